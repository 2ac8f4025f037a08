import { on } from 'node:events';
import { Worker } from 'node:worker_threads';
import { START } from '@shiplog/events';
import { LogUnavailableError, type EventLog } from '@shiplog/events/log';
import type { CopyState } from '@shiplog/integrity';
import type { PlatformConfig, ProcessContext } from '@shiplog/runtime';
import { testimoniesOf, type CheckpointStores } from './checkpoint-stores.js';
import { verifyLog, type Evidence, type VerificationLine } from './verify.js';

/** A log of so few commits is verified before a thread would have started. */
const SHORT = 5_000;
/** `npm start` keeps the young generation small; with room for it, next to nothing has to be copied in it. */
const READING = { maxYoungGenerationSizeMb: 96 } as const;
/** Compiled also for those who run the sources. */
const SCRIPT = new URL('../../dist/integrity/verify-thread.js', import.meta.url);

/** Plain data, so that another thread can do it: that one asks those who keep checkpoints, who have a lot to say. */
export interface VerifyJob extends Omit<Evidence, 'testimonies'> {
  /** What they were given by now. */
  readonly copies: readonly CopyState[];
}

/** Checks the whole log as it is now; a long one in a thread of its own, so that requests are answered meanwhile. */
export async function* verifyAside(
  { log, config }: Pick<ProcessContext, 'log' | 'config'>,
  stores: CheckpointStores,
  job: VerifyJob,
  signal: AbortSignal,
): AsyncGenerator<VerificationLine> {
  const isShort = log.commitsBetween(START, await log.head()) <= SHORT;
  yield* isShort ? verifyAgainst(log, stores, job, signal) : verifyInThread(config, job, signal);
}

/** In this thread, against what they say now. */
export async function* verifyAgainst(
  log: EventLog,
  stores: CheckpointStores,
  { copies, ...job }: VerifyJob,
  signal: AbortSignal,
): AsyncGenerator<VerificationLine> {
  yield* verifyLog(log, { ...job, testimonies: await testimoniesOf(stores, copies) }, signal);
}

/** The thread ends with the job, or at once when nobody waits for it any more: it only reads. */
export async function* verifyInThread(
  config: PlatformConfig,
  job: VerifyJob,
  signal: AbortSignal,
): AsyncGenerator<VerificationLine> {
  if (signal.aborted) return;
  const thread = new Worker(SCRIPT, {
    workerData: { config, job },
    resourceLimits: READING,
    execArgv: [],
  });
  const end = (): void => void thread.terminate();
  signal.addEventListener('abort', end, { once: true });
  let isDone = false;
  try {
    for await (const [line] of on(thread, 'message', { close: ['exit'] })) {
      isDone = (line as VerificationLine).kind === 'result';
      yield line as VerificationLine;
    }
  } catch (cause) {
    // Errors cross threads without their class: what failed is the log, and may be tried again.
    throw new LogUnavailableError('verifying the log', 'not-written', { cause });
  } finally {
    signal.removeEventListener('abort', end);
    end();
  }
  if (!isDone && !signal.aborted)
    throw new Error('the thread that verifies ended without a result');
}
