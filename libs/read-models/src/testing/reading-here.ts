import { EventEmitter } from 'node:events';
import { MessageChannel, type Worker } from 'node:worker_threads';
import type { StartReading } from '../reading/read-ahead.js';
import { serveReading, type ReadLines } from '../reading/reading-thread.js';

/** A thread that reads, in this one. `onPiece` is told of each that it hands over. */
export const readingHere =
  (read: ReadLines, onPiece: () => void = () => undefined): StartReading =>
  (stretch) => {
    const { port1, port2 } = new MessageChannel();
    const worker = new EventEmitter();
    port1.on('message', (message) => {
      onPiece();
      worker.emit('message', message);
    });
    port1.on('close', () => worker.emit('exit'));
    serveReading(port2, read, stretch).catch((error: unknown) => worker.emit('error', error));
    const rest = {
      postMessage: (message: unknown) => port1.postMessage(message),
      terminate: () => port1.close(),
    };
    return Object.assign(worker, rest) as unknown as Worker;
  };
