import { START } from '@shiplog/events';
import type { EventLog } from '@shiplog/events/log';
import {
  chainOf,
  LogVerification,
  type Memory,
  type Pin,
  type Testimony,
  type Verification,
} from '@shiplog/integrity';
import { storedUpTo } from './stored-up-to.js';

export type VerificationLine =
  | { readonly kind: 'progress'; readonly checked: number; readonly total: number }
  | ({ readonly kind: 'result' } & Verification);

type StoredLog = Pick<
  EventLog,
  'readStored' | 'readCheckable' | 'head' | 'commitsBetween' | 'isDense'
>;

/** What a log is checked against. */
export interface Evidence {
  readonly testimonies: readonly NamedTestimony[];
  readonly memories: readonly Memory[];
  /** The key that the first checkpoint must be signed with. */
  readonly pin: Pin;
}

/** All checkpoints of one who keeps them, not looked at yet. */
export interface NamedTestimony extends Testimony {
  readonly name: string;
  readonly isOwn: boolean;
}

const PROGRESS_MS = 500;

/** Checks the whole log as it is now, and tells how far it is. */
export async function* verifyLog(
  log: StoredLog,
  { testimonies, memories, pin }: Evidence,
  signal: AbortSignal,
): AsyncGenerator<VerificationLine> {
  // After the testimonies were gathered: what they testify to must be there.
  const head = await log.head();
  const { isDense } = log;
  const isPinned = pin !== undefined;
  const witnesses = testimonies.map(({ sealed, ...one }) => ({
    ...one,
    chain: chainOf(sealed, pin),
  }));
  const verification = new LogVerification({ witnesses, memories, isDense, isPinned });
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
