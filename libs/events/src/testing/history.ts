import type { Revision } from '../commit.js';
import { toPosition, type Position } from '../sequence.js';
import type { StreamName } from '../registry.js';

/** What a caller was told about one call of `append`. */
export type Told =
  | { readonly outcome: 'appended'; readonly position: Position }
  | { readonly outcome: 'conflict' }
  /** Thrown: nothing was written by this call. */
  | { readonly outcome: 'not-written' }
  /** Thrown, or nobody was there any more to be told. */
  | { readonly outcome: 'unknown' };

/** One call of `append`. Times are those of one clock for the whole history. */
export interface AppendCall {
  readonly kind: 'append';
  readonly id: string;
  readonly stream: StreamName;
  readonly expected: Revision;
  readonly calledAt: number;
  readonly returnedAt: number;
  readonly told: Told;
}

/** One call of `read`: the ids that it found. */
export interface ReadCall {
  readonly kind: 'read';
  readonly stream: StreamName;
  readonly calledAt: number;
  readonly returnedAt: number;
  readonly ids: readonly string[];
}

export type Call = AppendCall | ReadCall;

/** A commit as the log has it when everything is over. */
export interface StoredAtEnd {
  readonly position: Position;
  readonly stream: StreamName;
  readonly id: string;
  readonly from: number;
  readonly to: number;
}

export type ViolationKind =
  /** Acknowledged, and not in the log. */
  | 'lost'
  /** Acknowledged at another place than where it is. */
  | 'moved'
  | 'twice'
  /** In the log, though its caller was told that it is not. */
  | 'conflict-but-there'
  | 'not-written-but-there'
  /** No other commit of the stream can have been in the way. */
  | 'false-conflict'
  /** Versions of a stream are not contiguous. */
  | 'gap'
  /** Stored after another commit than the one it was to follow: it came late and should have been fenced. */
  | 'not-fenced'
  /** Called after another commit was acknowledged, and before it in the log. */
  | 'out-of-order'
  /** Nobody appended it. */
  | 'strange'
  /** What was read is not how the stream began. */
  | 'read-something-else'
  /** An acknowledged commit, or one that was read before, was missing in a later read. */
  | 'read-too-little'
  /** Read before anybody appended it. */
  | 'read-too-early';

export interface Violation {
  readonly kind: ViolationKind;
  readonly id: string;
}

/**
 * Whether what callers were told can be true of the log as it is in the end: every stream is a register
 * that appends change and reads show, and calls take effect in one order that real time allows. A commit
 * of unknown outcome may be there or not, but only in the place for which it was meant.
 */
export const violationsOf = (
  calls: readonly Call[],
  log: readonly StoredAtEnd[],
): readonly Violation[] => {
  const appends = calls.filter((call) => call.kind === 'append');
  const reads = calls.filter((call) => call.kind === 'read');
  const places = groupBy(log, ({ id }) => id);
  const byId = groupBy(appends, ({ id }) => id);
  const byStream = groupBy(log, ({ stream }) => stream);
  const callsOf = groupBy(appends, ({ stream }) => stream);
  return [
    ...wrongPlaces(byId, places),
    ...appends.filter(isFalseConflict(byStream, byId)).map(({ id }) => bad('false-conflict', id)),
    ...[...byStream.values()].flatMap((stored) => wrongSuccession(stored, byId)),
    ...wrongOrder(appends, byId, places),
    ...reads.flatMap((read) => wrongRead(read, byStream.get(read.stream) ?? [], byId)),
    ...[...groupBy(reads, ({ stream }) => stream)].flatMap(([stream, ofStream]) =>
      tooLittleRead(ofStream, callsOf.get(stream) ?? []),
    ),
  ];
};

type Places = ReadonlyMap<string, readonly StoredAtEnd[]>;
type ById = ReadonlyMap<string, readonly AppendCall[]>;

const groupBy = <T, K>(all: readonly T[], keyOf: (one: T) => K): ReadonlyMap<K, readonly T[]> => {
  const groups = new Map<K, T[]>();
  for (const one of all) {
    const group = groups.get(keyOf(one));
    if (group === undefined) groups.set(keyOf(one), [one]);
    else group.push(one);
  }
  return groups;
};

const bad = (kind: ViolationKind, id: string): Violation => ({ kind, id });

const wrongPlaces = (byId: ById, places: Places): readonly Violation[] => [
  ...[...places].flatMap(([id, stored]) => [
    ...(byId.has(id) ? [] : [bad('strange', id)]),
    ...(stored.length > 1 ? [bad('twice', id)] : []),
  ]),
  ...[...byId].flatMap(([id, calls]) => {
    const told = calls.map((call) => call.told);
    const place = places.get(id)?.[0];
    return [...wrongAcknowledgements(id, told, place), ...wrongDenials(id, told, place)];
  }),
];

const wrongAcknowledgements = (
  id: string,
  told: readonly Told[],
  place: StoredAtEnd | undefined,
): readonly Violation[] =>
  told.flatMap((answer) => {
    if (answer.outcome !== 'appended' || answer.position === place?.position) return [];
    return [bad(place === undefined ? 'lost' : 'moved', id)];
  });

const wrongDenials = (
  id: string,
  told: readonly Told[],
  place: StoredAtEnd | undefined,
): readonly Violation[] => {
  if (place === undefined) return [];
  if (told.some(({ outcome }) => outcome === 'conflict')) return [bad('conflict-but-there', id)];
  // Of several calls with one commit, one may have written it and another not.
  const isDenied = told.length > 0 && told.every(({ outcome }) => outcome === 'not-written');
  return isDenied ? [bad('not-written-but-there', id)] : [];
};

/** Somebody else's commit must be after what was expected, from a call that was under way before the answer. */
const isFalseConflict =
  (byStream: ReadonlyMap<StreamName, readonly StoredAtEnd[]>, byId: ById) =>
  ({ id, stream, expected, returnedAt, told }: AppendCall): boolean =>
    told.outcome === 'conflict' &&
    !(byStream.get(stream) ?? []).some(
      (stored) =>
        stored.id !== id && stored.position > expected && firstCallOf(stored.id, byId) < returnedAt,
    );

const firstCallOf = (id: string, byId: ById): number =>
  Math.min(...(byId.get(id) ?? []).map(({ calledAt }) => calledAt));

/** Each commit of a stream continues its versions, and follows exactly the one that its caller had seen. */
const wrongSuccession = (stored: readonly StoredAtEnd[], byId: ById): readonly Violation[] => {
  const found: Violation[] = [];
  let version = 0;
  let revision: Revision = '0'.repeat(20);
  for (const { id, from, to, position } of stored) {
    if (from !== version) found.push(bad('gap', id));
    const calls = byId.get(id) ?? [];
    if (calls.some(({ expected }) => expected !== revision)) found.push(bad('not-fenced', id));
    version = to;
    revision = position;
  }
  return found;
};

/**
 * One after the other in time, one after the other in the log. Only an acknowledgement says that a commit
 * has taken effect; one of unknown outcome may do so later.
 */
const wrongOrder = (
  appends: readonly AppendCall[],
  byId: ById,
  places: Places,
): readonly Violation[] => {
  const placeOf = (id: string): Position => places.get(id)?.[0]?.position ?? toPosition(0);
  const returned = appends
    .filter(({ told }) => told.outcome === 'appended')
    .toSorted((a, b) => a.returnedAt - b.returnedAt);
  let next = 0;
  let newest = toPosition(0);
  const isEarly = ({ id, calledAt }: AppendCall): boolean => {
    for (; (returned[next]?.returnedAt ?? Infinity) < calledAt; next += 1) {
      const position = placeOf(returned[next]?.id ?? '');
      if (position > newest) newest = position;
    }
    // Called again after it was stored: its place is that of the first time.
    return places.has(id) && calledAt === firstCallOf(id, byId) && placeOf(id) < newest;
  };
  return appends
    .toSorted((a, b) => a.calledAt - b.calledAt)
    .filter(isEarly)
    .map(({ id }) => bad('out-of-order', id));
};

const wrongRead = (
  { ids, returnedAt }: ReadCall,
  stored: readonly StoredAtEnd[],
  byId: ById,
): readonly Violation[] =>
  ids.flatMap((id, i) => {
    if (stored[i]?.id !== id) return [bad('read-something-else', id)];
    return firstCallOf(id, byId) > returnedAt ? [bad('read-too-early', id)] : [];
  });

/** A read shows what was acknowledged before it was asked for, and all that an earlier read showed. */
const tooLittleRead = (
  reads: readonly ReadCall[],
  appends: readonly AppendCall[],
): readonly Violation[] =>
  reads.flatMap(({ ids, calledAt }) => {
    const seen = new Set(ids);
    const acknowledged = appends
      .filter(({ told, returnedAt }) => told.outcome === 'appended' && returnedAt < calledAt)
      .map(({ id }) => id);
    const shown = reads.filter(({ returnedAt }) => returnedAt < calledAt).flatMap((r) => r.ids);
    return [...new Set([...acknowledged, ...shown])]
      .filter((id) => !seen.has(id))
      .map((id) => bad('read-too-little', id));
  });
