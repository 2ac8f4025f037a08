import { START, type Position } from '@shiplog/events';
import type { EventLog, StoredCommit } from '@shiplog/events/log';
import { LogVerification, type Evidence, type Verification } from '@shiplog/integrity';

export type VerificationLine =
  | { readonly kind: 'progress'; readonly checked: number; readonly total: number }
  | ({ readonly kind: 'result' } & Verification);

type StoredLog = Pick<EventLog, 'readStored' | 'head' | 'commitsBetween'>;

const BATCH = 2_000;
const PROGRESS_MS = 500;

/** Commits up to a place as they are stored; the next batch is on its way while one is looked at. */
export async function* storedUpTo(
  log: Pick<EventLog, 'readStored'>,
  until: Position,
): AsyncGenerator<readonly StoredCommit[]> {
  let ahead = log.readStored(START, BATCH);
  for (;;) {
    const batch = await ahead;
    const last = batch.at(-1);
    if (last === undefined) return;
    if (last.position >= until) {
      yield batch.filter(({ position }) => position <= until);
      return;
    }
    ahead = log.readStored(last.position, BATCH);
    ahead.catch(() => undefined);
    yield batch;
  }
}

/** Checks the whole log as it is now, and tells how far it is. */
export async function* verifyLog(
  log: StoredLog,
  evidence: Evidence,
  signal: AbortSignal,
): AsyncGenerator<VerificationLine> {
  // After the evidence was gathered: what it testifies to must be there.
  const head = await log.head();
  const verification = new LogVerification(evidence);
  let toldAtMs = performance.now();
  for await (const batch of storedUpTo(log, head)) {
    if (signal.aborted) return;
    for (const commit of batch) verification.add(commit);
    if (performance.now() - toldAtMs < PROGRESS_MS) continue;
    toldAtMs = performance.now();
    // An estimate may be too low.
    const total = Math.max(verification.checked, log.commitsBetween(START, head));
    yield { kind: 'progress', checked: verification.checked, total };
  }
  yield { kind: 'result', ...verification.finish() };
}
