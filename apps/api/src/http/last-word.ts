import type { Duplex } from 'node:stream';
import { STATUS_CODES } from 'node:http';
import type { Problem } from './problem.js';

/** So that a client that still sends gets to read the answer before its connection is reset. */
const LINGER_MS = 1_000;

/**
 * A refusal on a connection that Node.js has handed over, and its end. Nobody else looks after it any
 * more: a client that never hangs up would hold it, and the stop of this process, for ever.
 */
export const lastWord = (stream: Duplex, problem: Problem): void => {
  const body = JSON.stringify(problem.toDocument());
  const headers = {
    'Content-Type': 'application/problem+json',
    'Content-Length': String(Buffer.byteLength(body)),
    Connection: 'close',
    ...problem.extras.headers,
  };
  const status = `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? 'Error'}`;
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  stream.end(`${[status, ...lines].join('\r\n')}\r\n\r\n${body}`);
  stream.resume();
  const timer = setTimeout(() => stream.destroy(), LINGER_MS);
  stream.once('close', () => clearTimeout(timer));
};
