import type { World } from '@shiplog/domain';
import { toPosition, type Position, type RecordedCommit } from '@shiplog/events';
import { decodeCommit, type EventLog, type StoredCommit } from '@shiplog/events/log';
import { entriesOf, type SealedEntry } from './audit-entry.js';
import { isWanted, mayBeWanted, type AuditFilter } from './audit-filter.js';

export interface AuditSource {
  readonly log: Pick<EventLog, 'readStored'>;
  readonly world: World;
}

/** Commits after `after` up to `until`, in the order in which they are wanted. */
export interface AuditRange {
  readonly after: Position;
  readonly until: Position;
  readonly newestFirst: boolean;
}

export interface AuditPage {
  readonly entries: readonly SealedEntry[];
  /** The last commit that was looked at; null: there is nothing behind it. */
  readonly next: Position | null;
}

/** Commits looked at for one page: a filter that finds nothing must not read the whole log in one request. */
const LOOKED_MAX = 20_000;
const BATCH = 500;

/** A page of the audit, never a part of a commit. */
export const readAudit = async (
  { log, world }: AuditSource,
  filter: AuditFilter,
  range: AuditRange,
  limit: number,
): Promise<AuditPage> => {
  const entries: SealedEntry[] = [];
  const mayBe = mayBeWanted(filter);
  let looked = 0;
  for await (const batch of range.newestFirst ? backward(log, range) : forward(log, range)) {
    for (const stored of batch) {
      if (mayBe(stored)) {
        const found = entriesOf(toRecord(stored), world).filter((e) => isWanted(e, filter, world));
        entries.push(...(range.newestFirst ? found.toReversed() : found));
      }
      if (entries.length >= limit) return { entries, next: stored.position };
    }
    looked += batch.length;
    const last = batch.at(-1);
    if (looked >= LOOKED_MAX && last !== undefined) return { entries, next: last.position };
  }
  return { entries, next: null };
};

/** Nobody decides on these: what the stream's end was does not matter. */
const toRecord = ({ position, hash, bytes }: StoredCommit): RecordedCommit => ({
  position,
  revision: position,
  hash,
  commit: decodeCommit(bytes, hash, position),
});

async function* forward(
  log: AuditSource['log'],
  { after, until }: AuditRange,
): AsyncGenerator<readonly StoredCommit[]> {
  let place = after;
  while (place < until) {
    const batch = await log.readStored(place, BATCH);
    const inside = batch.filter(({ position }) => position <= until);
    yield inside;
    if (batch.length < BATCH || inside.length < batch.length) return;
    place = batch.at(-1)?.position ?? until;
  }
}

/** The log reads forward only: stretch by stretch from its end, wider ones where positions lie far apart. */
async function* backward(
  log: AuditSource['log'],
  { after, until }: AuditRange,
): AsyncGenerator<readonly StoredCommit[]> {
  let high = until;
  let width = BigInt(BATCH);
  while (high > after) {
    const from = BigInt(high) > width ? toPosition(BigInt(high) - width) : toPosition(0);
    const low = from > after ? from : after;
    const stretch: StoredCommit[] = [];
    for await (const batch of forward(log, { after: low, until: high, newestFirst: false })) {
      stretch.push(...batch);
    }
    yield stretch.toReversed();
    if (stretch.length < BATCH / 4) width *= 4n;
    high = low;
  }
}
