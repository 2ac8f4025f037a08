import type { Frame, Session } from './bus.port.js';
import {
  decodeMessage,
  encodeMessage,
  toWireError,
  type SessionMessage,
  type WireError,
} from './wire.js';

export interface SessionOptions {
  /** Each side speaks at least this often. Default 5 s. */
  readonly heartbeatMs: number;
}

/** A peer that missed this many heartbeats is gone. */
const MISSED_HEARTBEATS_MAX = 3;

/** Biggest piece of bytes in one message; more is sent as several frames of the same kind. */
const FRAME_BYTES_MAX = 256 * 1024;

/** One end of a session, whatever carries it. */
export class WireSession implements Session {
  readonly ended: Promise<WireError | undefined>;
  private settle: (error: WireError | undefined) => void = () => undefined;
  private listener: ((frame: Frame) => void) | undefined;
  private readonly early: Frame[] = [];
  private sent = 0;
  private received = 0;
  private isOver = false;
  private heardAt = performance.now();
  private readonly heartbeat: NodeJS.Timeout;

  constructor(
    private readonly sendPayload: (payload: Uint8Array) => void,
    private readonly release: () => void,
    options: SessionOptions,
  ) {
    this.ended = new Promise((resolve) => (this.settle = resolve));
    this.heartbeat = setInterval(() => this.beat(options.heartbeatMs), options.heartbeatMs);
    this.heartbeat.unref();
  }

  accept(): void {
    this.write((n) => ({ t: 'accept', n }));
  }

  send(frame: Frame): void {
    const { bytes } = frame;
    if (bytes === undefined || bytes.length <= FRAME_BYTES_MAX) {
      this.write((n) => ({ t: 'frame', n, frame }));
      return;
    }
    for (let at = 0; at < bytes.length; at += FRAME_BYTES_MAX) {
      this.send({ ...frame, bytes: bytes.subarray(at, at + FRAME_BYTES_MAX) });
    }
  }

  onFrame(listener: (frame: Frame) => void): void {
    this.listener = listener;
    for (const frame of this.early.splice(0)) listener(frame);
  }

  end(error?: WireError): void {
    this.write((n) => ({ t: 'end', n, ...(error === undefined ? {} : { error }) }));
    this.finish(error);
  }

  /** Takes what the peer sent. What is no message, or what the listener throws, ends the session with that error. */
  receive(payload: Uint8Array): void {
    if (this.isOver) return;
    this.heardAt = performance.now();
    try {
      this.take(payload);
    } catch (error) {
      this.end(toWireError(error));
    }
  }

  private take(payload: Uint8Array): void {
    const message = decodeMessage(payload);
    this.received += 1;
    if (message.n !== this.received) {
      this.end({ code: 'frames-lost', message: 'the connection was cut and frames were lost' });
      return;
    }
    if (message.t === 'end') this.finish(message.error);
    else if (message.t === 'frame') this.deliver(message.frame);
  }

  private deliver(frame: Frame): void {
    if (this.listener === undefined) this.early.push(frame);
    else this.listener(frame);
  }

  private beat(heartbeatMs: number): void {
    if (performance.now() - this.heardAt > MISSED_HEARTBEATS_MAX * heartbeatMs) {
      this.end({ code: 'peer-silent', message: 'the other side fell silent' });
      return;
    }
    this.write((n) => ({ t: 'beat', n }));
  }

  private write(message: (n: number) => SessionMessage): void {
    if (this.isOver) return;
    this.sent += 1;
    this.sendPayload(encodeMessage(message(this.sent)));
  }

  private finish(error: WireError | undefined): void {
    if (this.isOver) return;
    this.isOver = true;
    clearInterval(this.heartbeat);
    this.release();
    this.settle(error);
  }
}
