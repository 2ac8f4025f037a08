import { Worker, type MessagePort } from 'node:worker_threads';
import type { EventLog, LogFeed } from '@shiplog/events/log';
import { isFenced, isProjectionFailed, ReadModelsUnavailableError } from './errors.js';
import { fillFast, type Fill, type Filled, type FillJob } from './fill.js';
import { HandedOver, HandOver, type HandedPiece } from './handed-over.js';
import { readingBeside, type StartReading } from './reading/read-ahead.js';
import { SqlDatabase, type Database } from './sql/database.js';

/** From the thread. */
type Message =
  | { readonly kind: 'progress'; readonly filled: Filled }
  | { readonly kind: 'filled'; readonly filled: Filled };

/** To the thread: some of what it needs, or that it has to stop. */
type Order = HandedPiece | 'stop';

/**
 * `npm start` keeps the young generation of an idle control plane small. A fold makes garbage all the time:
 * with room for it less of what is still needed is copied about. Where the old one may be large, V8 lets it
 * grow to four times what is needed before it collects it; at this size to twice.
 */
const FOLDING = { maxYoungGenerationSizeMb: 64, maxOldGenerationSizeMb: 1_024 } as const;

/** A thread that hangs, because the log does not answer, loses one transaction at most. */
const STOP_MS_MAX = 2_000;

/**
 * Fills in a thread of its own, which ends with the job. `script` is what it runs; it is given
 * `workerData` with the job in it, and has to call `serveFill`. What the feed reads meanwhile is handed over.
 */
export const fillInThread =
  (script: URL, workerData: object, feed?: Pick<LogFeed, 'onBatch'>): Fill =>
  (job, { signal, onProgress } = {}) =>
    new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const thread = new Worker(script, {
        workerData: { ...workerData, job },
        resourceLimits: FOLDING,
      });
      const order = (what: Order): void => thread.postMessage(what);
      const handOver = feed === undefined ? undefined : new HandOver(feed, order);
      let killing: NodeJS.Timeout | undefined;
      const stop = (): void => {
        order('stop');
        killing = setTimeout(() => void thread.terminate(), STOP_MS_MAX).unref();
      };
      signal?.addEventListener('abort', stop, { once: true });
      let filled: Filled | undefined;
      thread.on('message', (message: Message) => {
        if (message.kind === 'filled') {
          filled = message.filled;
          return;
        }
        handOver?.usedUpTo(message.filled.position);
        onProgress?.(message.filled);
      });
      let failure: unknown;
      thread.once('error', (error) => (failure = error));
      thread.once('exit', (code) => {
        clearTimeout(killing);
        handOver?.stop();
        signal?.removeEventListener('abort', stop);
        if (filled !== undefined) resolve(filled);
        else
          reject(reasonOf(signal, failure ?? new Error(`the thread that fills ended (${code})`)));
      });
    });

/** Errors cross threads without their class: what failed is the database or the log, and may be tried again. */
const reasonOf = (signal: AbortSignal | undefined, cause: unknown): Error => {
  const reason: unknown = signal?.aborted === true ? signal.reason : undefined;
  if (reason instanceof Error) return reason;
  if (isFenced(cause) || isProjectionFailed(cause)) return cause;
  return new ReadModelsUnavailableError('folding the log', { cause });
};

/** The whole of such a thread: does the job, tells the other side, and answers when all is said. */
export const serveFill = async (
  port: MessagePort,
  place: Database,
  { log, startReading }: { readonly log: EventLog; readonly startReading: StartReading },
  job: FillJob,
): Promise<void> => {
  const stopping = new AbortController();
  const ahead = readingBeside(log, startReading, job);
  const source = new HandedOver(ahead ?? log);
  port.on('message', (order: Order) => {
    if (order === 'stop') stopping.abort();
    else source.push(order);
  });
  const tell = (message: Message): void => port.postMessage(message);
  const database = await SqlDatabase.attach(place);
  try {
    const filled = await fillFast(database, source)(job, {
      signal: stopping.signal,
      onProgress: (filled) => tell({ kind: 'progress', filled }),
    });
    tell({ kind: 'filled', filled });
  } finally {
    await ahead?.stop();
    await database.close();
    port.close();
  }
};
