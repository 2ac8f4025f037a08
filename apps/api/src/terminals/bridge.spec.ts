import { EventEmitter } from 'node:events';
import type { Frame } from '@shiplog/bus';
import { expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import { Problem } from '../http/problem.js';
import { bridge, endWithProblem } from './bridge.js';

/** A client that never answers the close of its WebSocket. */
class StubbornSocket extends EventEmitter {
  readonly OPEN = 1;
  readyState = 1;
  readonly sent: string[] = [];
  send(text: string): void {
    this.sent.push(text);
  }
  close(): void {
    this.readyState = 2;
  }
}

it('takes no more input from a client that was told to go', () => {
  const socket = new StubbornSocket();
  const frames: Frame[] = [];
  const session = {
    send: (frame: Frame) => frames.push(frame),
    onFrame: () => undefined,
    end: () => undefined,
    ended: new Promise<never>(() => undefined),
  };
  const type = bridge(socket as unknown as WebSocket, session);
  const line = { data: Buffer.from('id\n'), isBinary: true };
  type(line);
  endWithProblem(socket as unknown as WebSocket, new Problem('unauthenticated', 'Revoked.'));
  type(line);
  expect(frames).toHaveLength(1);
  expect(socket.sent).toEqual([expect.stringContaining('unauthenticated')]);
});
