import {
  AUDIT_ENTRIES_MAX,
  AUDIT_OPERATIONS_MAX,
  COMMIT_BYTES_MAX,
  type Actor,
  type Operation,
  type Refusal,
} from '@shiplog/events';
import type { CalledFrom } from './persons.js';

export interface SeenRefusal extends Pick<
  Refusal,
  'outcome' | 'code' | 'command' | 'appId' | 'target' | 'actor' | 'reason'
> {
  readonly from: CalledFrom;
}

export interface SeenReading {
  readonly appId: string;
  readonly keys: readonly string[];
  readonly actor: Actor;
  readonly from: CalledFrom;
}

export interface SeenOperation extends Pick<
  Operation,
  'operation' | 'appId' | 'target' | 'actor' | 'reason'
> {
  readonly from: CalledFrom;
}

export type Seen = SeenRefusal | SeenReading | SeenOperation;

export interface Gathered {
  readonly count: number;
  readonly firstAt: string;
  readonly lastAt: string;
}
export type GatheredRefusal = SeenRefusal & Gathered;
export type GatheredReading = SeenReading & Gathered;
export type GatheredOperation = SeenOperation & Gathered;

/** What one commit tells of. */
export interface AuditPage {
  readonly refusals: readonly GatheredRefusal[];
  readonly refusalsUnlisted: number;
  readonly reads: readonly GatheredReading[];
  readonly readsUnlisted: number;
  readonly operations: readonly GatheredOperation[];
  readonly operationsUnlisted: number;
}

export const KEYS_LISTED_MAX = 100;
/** What surrounds the entries in a commit is far smaller than the rest. */
const PAGE_BYTES_MAX = COMMIT_BYTES_MAX - 32 * 1024;
/** Initialization vector, tag and scheme of two sealed texts, and the names of what an entry gets when it is written. */
const SEALING_BYTES = 256;

interface Entries {
  readonly refusals: Map<string, GatheredRefusal>;
  readonly reads: Map<string, GatheredReading>;
  readonly operations: Map<string, GatheredOperation>;
}

/** Moves what one commit has room for, in entries and in bytes, out of what was gathered. */
export const takeEntries = ({
  refusals,
  reads,
  operations,
}: Entries): Pick<AuditPage, 'refusals' | 'reads' | 'operations'> => {
  let room = PAGE_BYTES_MAX;
  const takeFirst = <T extends Gathered & { readonly from: CalledFrom }>(
    entries: Map<string, T>,
    max: number,
  ): readonly T[] => {
    const taken: T[] = [];
    for (const [key, entry] of [...entries].slice(0, max)) {
      room -= bytesOf(entry);
      if (room < 0) break;
      entries.delete(key);
      taken.push(entry);
    }
    return taken;
  };
  return {
    refusals: takeFirst(refusals, AUDIT_ENTRIES_MAX),
    operations: takeFirst(operations, AUDIT_OPERATIONS_MAX),
    // By far the largest ones, so the last: half of the room is theirs at least.
    reads: takeFirst(reads, AUDIT_ENTRIES_MAX),
  };
};

/** The same without a single entry: what is left to say where the log refuses the entries. */
export const countsOnly = (page: AuditPage): AuditPage => ({
  refusals: [],
  refusalsUnlisted: page.refusalsUnlisted + seenIn(page.refusals),
  reads: [],
  readsUnlisted: page.readsUnlisted + seenIn(page.reads),
  operations: [],
  operationsUnlisted: page.operationsUnlisted + seenIn(page.operations),
});

const seenIn = (entries: readonly Gathered[]): number =>
  entries.reduce((sum, { count }) => sum + count, 0);

/** At most so many in the log: what is sealed grows by a third. */
const bytesOf = (entry: { readonly from: CalledFrom; readonly keys?: readonly string[] }): number =>
  Buffer.byteLength(JSON.stringify({ ...entry, keys: entry.keys?.slice(0, KEYS_LISTED_MAX) })) +
  Buffer.byteLength(JSON.stringify(entry.from)) +
  SEALING_BYTES;
