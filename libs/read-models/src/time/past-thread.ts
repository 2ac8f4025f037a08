import { Worker, type MessagePort } from 'node:worker_threads';
import type { PastLog } from './past-log.js';
import { ReadModelsUnavailableError } from '../errors.js';
import { makePastHere, type MakePast, type PastJob } from './make-past.js';
import type { StartReading } from '../reading/read-ahead.js';
import type { PastState } from './snapshot-files.js';

/** As a thread that fills tables has it, but that one lets go of what it wrote: here all is kept. */
const RECALLING = { maxYoungGenerationSizeMb: 96 } as const;

/** A thread that hangs, because the log does not answer, loses one transaction at most. */
const STOP_MS_MAX = 2_000;

/**
 * Makes pasts in a thread of its own, which ends with the job, so that requests are answered meanwhile.
 * `script` is what it runs; it is given `workerData` with the job in it, and has to call `servePast`.
 */
export const makePastInThread =
  (script: URL, workerData: object): MakePast =>
  (job, signal) =>
    new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const thread = new Worker(script, {
        workerData: { ...workerData, job },
        resourceLimits: RECALLING,
      });
      let killing: NodeJS.Timeout | undefined;
      const stop = (): void => {
        thread.postMessage('stop');
        killing = setTimeout(() => void thread.terminate(), STOP_MS_MAX).unref();
      };
      signal?.addEventListener('abort', stop, { once: true });
      let made: PastState | undefined;
      let failure: unknown;
      thread.on('message', (state: PastState) => (made = state));
      thread.once('error', (error) => (failure = error));
      thread.once('exit', (code) => {
        clearTimeout(killing);
        signal?.removeEventListener('abort', stop);
        if (made !== undefined) resolve(made);
        else {
          const cause = failure ?? new Error(`the thread that looks into the past ended (${code})`);
          reject(new ReadModelsUnavailableError('folding the past', { cause }));
        }
      });
    });

/** The whole of such a thread: does the job and tells the other side. */
export const servePast = async (
  port: MessagePort,
  { log, startReading }: { readonly log: PastLog; readonly startReading: StartReading },
  job: PastJob,
): Promise<void> => {
  const stopping = new AbortController();
  port.on('message', () => stopping.abort());
  try {
    port.postMessage(await makePastHere(log, { startReading })(job, stopping.signal));
  } finally {
    port.close();
  }
};
