import { BusError, type Frame, type Session } from '@shiplog/bus';
import type { WebSocket } from 'ws';
import { toProblem } from '../http/error-problem.js';
import type { Problem } from '../http/problem.js';
import { parseControl } from './terminal-messages.js';

/** What a client may leave unread before the other side is asked to wait, and when it may go on. */
const UNREAD_BYTES_PAUSE = 1024 * 1024;
const UNREAD_BYTES_RESUME = 256 * 1024;
/** Above this the other side does not wait; the client is given up rather than our memory. */
const UNREAD_BYTES_MAX = 64 * 1024 * 1024;

const STREAM_BYTE: Readonly<Record<string, number>> = { stdout: 1, stderr: 2 };

/** Says why it ends, and ends. */
export const endWithProblem = (socket: WebSocket, problem: Problem): void => {
  const { code, detail: message, status } = problem;
  if (socket.readyState === socket.OPEN) {
    socket.send(JSON.stringify({ error: { code, message, status } }));
  }
  socket.close(1011, code);
};

export interface Message {
  readonly data: Buffer;
  readonly isBinary: boolean;
}

/** Carries frames between a WebSocket and a session until either ends. Returns where the client's messages go. */
export const bridge = (socket: WebSocket, session: Session): ((message: Message) => void) => {
  const fail = (error: unknown): void => {
    endWithProblem(socket, toProblem(error));
    session.end();
  };
  socket.once('close', () => session.end());
  socket.once('error', () => session.end());

  let isOver = false;
  const sendOutput = outputSender(socket, session);
  session.onFrame((frame) => {
    if (socket.readyState !== socket.OPEN) return;
    const stream = STREAM_BYTE[frame.kind];
    if (stream !== undefined) {
      sendOutput(Buffer.concat([Buffer.of(stream), frame.bytes ?? new Uint8Array()]));
      return;
    }
    // The command takes its input more slowly than the client sends it.
    if (frame.kind === 'pause') socket.pause();
    if (frame.kind === 'resume') socket.resume();
    const end = endOf(frame);
    if (end === undefined) return;
    isOver = true;
    socket.send(JSON.stringify(end));
    socket.close(1000);
  });
  void session.ended.then((error) => {
    if (isOver || socket.readyState !== socket.OPEN) return;
    const { code, message } = error ?? {
      code: 'worker-failed',
      message: 'the session ended without saying how',
    };
    endWithProblem(socket, toProblem(new BusError(code, message)));
  });
  return ({ data, isBinary }) => {
    // Once it was told to go (its token was revoked) a client types no more, whether it goes or not.
    if (socket.readyState !== socket.OPEN) return;
    try {
      session.send(isBinary ? { kind: 'stdin', bytes: data } : controlFrame(data.toString('utf8')));
    } catch (error) {
      fail(error);
    }
  };
};

/** Passes output on at the pace of its reader. */
const outputSender = (socket: WebSocket, session: Session): ((bytes: Buffer) => void) => {
  let isPaused = false;
  const sent = (): void => {
    if (!isPaused || socket.bufferedAmount > UNREAD_BYTES_RESUME) return;
    isPaused = false;
    session.send({ kind: 'resume' });
  };
  return (bytes) => {
    socket.send(bytes, sent);
    if (socket.bufferedAmount > UNREAD_BYTES_MAX) socket.terminate();
    if (isPaused || socket.bufferedAmount <= UNREAD_BYTES_PAUSE) return;
    isPaused = true;
    session.send({ kind: 'pause' });
  };
};

const controlFrame = (text: string): Frame => {
  const control = parseControl(text);
  return 'resize' in control ? { kind: 'resize', head: control.resize } : { kind: 'stdin-end' };
};

/** How it ended: with an exit code, or as something that runs on without us, which is named. */
const endOf = ({ kind, head }: Frame): object | undefined => {
  if (kind !== 'exit') return undefined;
  const exitCode = head?.['exitCode'] ?? null;
  return head?.['detached'] === true ? { exitCode, instance: head['name'] ?? null } : { exitCode };
};
