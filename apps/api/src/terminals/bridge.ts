import { BusError, type Frame, type Session } from '@shiplog/bus';
import type { WebSocket } from 'ws';
import { toProblem } from '../http/error-problem.js';
import type { Problem } from '../http/problem.js';
import { parseControl } from './terminal-messages.js';

/** What a client may leave unread before it is given up: a terminal nobody looks at. */
const UNREAD_BYTES_MAX = 16 * 1024 * 1024;

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
  session.onFrame((frame) => {
    if (socket.readyState !== socket.OPEN) return;
    const stream = STREAM_BYTE[frame.kind];
    if (stream !== undefined) {
      socket.send(Buffer.concat([Buffer.of(stream), frame.bytes ?? new Uint8Array()]));
      if (socket.bufferedAmount > UNREAD_BYTES_MAX) socket.terminate();
      return;
    }
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
    try {
      session.send(isBinary ? { kind: 'stdin', bytes: data } : controlFrame(data.toString('utf8')));
    } catch (error) {
      fail(error);
    }
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
