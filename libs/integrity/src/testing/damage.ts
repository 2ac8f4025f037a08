import { idOf, toPosition, type Commit, type StreamName } from '@shiplog/events';
import { sha256, type StoredCommit } from '@shiplog/events/log';
import canonicalize from 'canonicalize';
import { scaled } from '@shiplog/events/testing';
import type { Kind } from '../kinds.js';

/** What an attacker did to a log, and what a witness that survived must say of it. */
export interface Damage {
  readonly what: string;
  readonly log: readonly StoredCommit[];
  /** Number of the first commit that is not what and where it was, counted from 0. */
  readonly at: number;
  /** Some deeds cannot be told apart at the newest witnessed commit. */
  readonly kinds: readonly Kind[];
}

type Random = (below: number) => number;
type Deed = (log: readonly StoredCommit[], witnessed: number, random: Random) => Damage | undefined;

/** mulberry32: small, seeded, the same everywhere. */
export const randomOf = (seed: number): Random => {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
};

const commitOf = ({ bytes }: StoredCommit): Commit =>
  JSON.parse(Buffer.from(bytes).toString('utf8')) as Commit;

const stored = (commit: Commit, position: string): StoredCommit => {
  const bytes = Buffer.from(canonicalize(commit) ?? '');
  return { position, stream: commit.stream, id: commit.id, hash: sha256(bytes), bytes };
};

/** As a store gives them that was written anew. */
const renumbered = (log: readonly StoredCommit[]): StoredCommit[] =>
  log.map((commit, i) => ({ ...commit, position: toPosition(i + 1) }));

const forged = (commit: StoredCommit, change: Partial<Commit> = {}): StoredCommit =>
  stored({ ...commitOf(commit), reason: 'it was always so', ...change }, commit.position);

const replaced = (log: readonly StoredCommit[], at: number, by: StoredCommit): StoredCommit[] =>
  log.map((commit, i) => (i === at ? by : commit));

/** A commit of a stream that never was; `n` makes it another one each time. */
const stranger = (log: readonly StoredCommit[], n: number): StoredCommit => {
  const stream: StreamName = `app.stranger-${n}`;
  const [first] = log;
  if (first === undefined) throw new Error('an empty log has nothing to imitate');
  const commit: Commit = {
    ...commitOf(first),
    id: `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`,
    stream,
    from: 0,
    to: 1,
    previousHash: null,
    events: [scaled(stream, n)],
  };
  return stored(commit, first.position);
};

const alterByte: Deed = (log, witnessed, random) => {
  const at = random(witnessed);
  const commit = log[at];
  if (commit === undefined) return undefined;
  const bytes = Buffer.from(commit.bytes);
  const place = random(bytes.length);
  bytes[place] = (bytes[place] ?? 0) ^ (1 << random(8));
  return {
    what: 'a bit flipped',
    at,
    kinds: ['altered'],
    log: replaced(log, at, { ...commit, bytes }),
  };
};

const alterAndRehash: Deed = (log, witnessed, random) => {
  const at = random(witnessed);
  const commit = log[at];
  if (commit === undefined) return undefined;
  return {
    what: 'altered, with a new hash',
    at,
    kinds: ['altered'],
    log: replaced(log, at, forged(commit)),
  };
};

/** The whole stream is made to fit; other streams lie between as they were. */
const alterAndRechain: Deed = (log, witnessed, random) => {
  const at = random(witnessed);
  const first = log[at];
  if (first === undefined) return undefined;
  let previousHash = commitOf(first).previousHash;
  const log_ = log.map((commit, i) => {
    if (i < at || commit.stream !== first.stream) return commit;
    const made = i === at ? forged(commit) : forged(commit, { reason: null, previousHash });
    previousHash = made.hash;
    return made;
  });
  const isAnyLeft = log_.slice(at, witnessed).some((commit, i) => commit === log[at + i]);
  const isOne = witnessed - at === 1;
  const kinds: Kind[] = isAnyLeft || isOne ? ['altered'] : ['forked'];
  return { what: 'altered, its whole stream chained anew', at, kinds, log: log_ };
};

const drop: Deed = (log, witnessed, random) => {
  const at = random(witnessed);
  const left = log.filter((_, i) => i !== at);
  // Of the newest witnessed one nobody can say whether what lies there now took its place or its turn.
  const kinds: Kind[] = at === witnessed - 1 ? ['altered', 'missing', 'truncated'] : ['missing'];
  return { what: 'dropped, the rest numbered anew', at, kinds, log: renumbered(left) };
};

const dropWithHole: Deed = (log, witnessed, random) => {
  const at = random(witnessed);
  const kinds: Kind[] = at === log.length - 1 ? ['truncated'] : ['missing'];
  return { what: 'deleted, its number left empty', at, kinds, log: log.filter((_, i) => i !== at) };
};

const insert: Deed = (log, witnessed, random) => {
  const at = random(witnessed);
  const made = [...log.slice(0, at), stranger(log, random(1_000_000)), ...log.slice(at)];
  return { what: 'a commit inserted', at, kinds: ['inserted'], log: renumbered(made) };
};

const insertCopy: Deed = (log, witnessed, random) => {
  const at = 1 + random(witnessed - 1);
  const copy = log[random(at)];
  if (copy === undefined) return undefined;
  const made = [...log.slice(0, at), copy, ...log.slice(at)];
  return {
    what: 'an older commit stored once more',
    at,
    kinds: ['inserted'],
    log: renumbered(made),
  };
};

const swap: Deed = (log, witnessed, random) => {
  const at = random(witnessed - 1);
  const other = at + 1 + random(witnessed - at - 1);
  const [a, b] = [log[at], log[other]];
  if (a === undefined || b === undefined) return undefined;
  const made = replaced(replaced(log, at, b), other, a);
  return { what: 'two swapped', at, kinds: ['reordered'], log: renumbered(made) };
};

const truncate: Deed = (log, witnessed, random) => {
  const at = random(witnessed);
  return { what: 'the tail cut', at, kinds: ['truncated'], log: log.slice(0, at) };
};

const fork: Deed = (log, witnessed, random) => {
  const at = random(witnessed);
  const count = 1 + random(40);
  const others = Array.from({ length: count }, (_, i) =>
    stranger(log, random(1_000_000) * 100 + i),
  );
  const kinds: Kind[] = witnessed - at === 1 ? ['altered'] : ['forked'];
  return {
    what: 'other commits from there on',
    at,
    kinds,
    log: renumbered([...log.slice(0, at), ...others]),
  };
};

const dropTailOfStream: Deed = (log, witnessed, random) => {
  const at = random(witnessed);
  const stream = log[at]?.stream;
  const left = log.filter((commit, i) => i < at || commit.stream !== stream);
  const isAnyLeft = log.slice(at, witnessed).some((commit) => commit.stream !== stream);
  const isAnyAfter = left.length > at;
  const kinds: Kind[] = isAnyLeft
    ? ['missing']
    : isAnyAfter
      ? ['forked', 'altered']
      : ['truncated'];
  return { what: 'the end of a stream deleted', at, kinds, log: renumbered(left) };
};

const moveToOtherStream: Deed = (log, witnessed, random) => {
  const at = random(witnessed);
  const commit = log[at];
  if (commit === undefined) return undefined;
  const moved = { ...commit, stream: `app.${idOf(commit.stream as StreamName)}x` };
  return {
    what: 'put into the place of another stream',
    at,
    kinds: ['altered'],
    log: replaced(log, at, moved),
  };
};

/** Without the deeds that leave no trace in an exported log, which keeps the bytes and the place only. */
export const DEEDS: readonly Deed[] = [
  alterByte,
  alterAndRehash,
  alterAndRechain,
  drop,
  dropWithHole,
  insert,
  insertCopy,
  swap,
  truncate,
  fork,
  dropTailOfStream,
];
export const DEEDS_IN_PLACE: readonly Deed[] = [...DEEDS, moveToOtherStream];

/** The `n`th damage: the deeds in turn, the place at random. */
export const damageOf = (
  deeds: readonly Deed[],
  n: number,
  log: readonly StoredCommit[],
  witnessed: number,
): Damage => {
  const random = randomOf(n);
  const damage = deeds[n % deeds.length]?.(log, witnessed, random);
  if (damage === undefined) throw new Error(`damage ${n} could not be done`);
  return damage;
};
