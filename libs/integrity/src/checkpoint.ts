import { START, type Position } from '@shiplog/events';
import { sha256 } from '@shiplog/events/log';
import canonicalize from 'canonicalize';
import { z } from 'zod';
import { isSignedBy, type SigningKey } from './signing-key.js';

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const position = z.string().regex(/^\d{20}$/);
const count = z.number().int().nonnegative();

/**
 * What the platform swears about its log up to a place. Commits are counted, not only placed: their
 * hashes and their order stay what they are when the log is copied to where positions are others.
 */
export const checkpoint = z.strictObject({
  v: z.literal(1),
  platform: z.string(),
  /** 1, 2, 3, …: nobody makes two of one number. */
  number: z.number().int().positive(),
  /** Positions of the last commit that the previous one covers, and that this one covers. */
  after: position,
  to: position,
  /** Commits since the previous checkpoint: 0 where nothing happened meanwhile. */
  count,
  /** Commits of the log up to here. */
  total: count,
  /** SHA-256 of the commit hashes since the previous checkpoint, in their order, 32 bytes each. */
  digest: hash,
  /** Hash of the last commit up to here; null while the log is empty. */
  last: hash.nullable(),
  /** SHA-256 of the previous checkpoint as it stands; null at the first. */
  previous: hash.nullable(),
  time: z.string(),
  /** Public key that this one is signed with, and the one that signs from the next one on. */
  key: z.string(),
  nextKey: z.string().nullable(),
  /** An operator went on with a log that had lost commits: it then ended after so many, with this one. */
  reset: z.strictObject({ total: count, last: hash.nullable() }).nullable(),
  /** Ed25519 over everything else in canonical JSON, base64. */
  signature: z.string(),
});
export type Checkpoint = z.infer<typeof checkpoint>;
export type Reset = NonNullable<Checkpoint['reset']>;

/** A checkpoint with the hashes of the commits it adds, so that one wrong commit can be named. */
export interface Sealed {
  readonly checkpoint: Checkpoint;
  /** Hexadecimal, 64 characters a commit. */
  readonly leaves: string;
}

export const HASH_CHARACTERS = 64;

const canonical = (value: object): string => canonicalize(value) ?? '';

export const digestOf = (leaves: string): string => sha256(Buffer.from(leaves, 'hex'));

/** What names this checkpoint in the next one. */
export const hashOf = (it: Checkpoint): string => sha256(canonical(it));

/** One line of a witness file: canonical, so that the same checkpoint is the same line everywhere. */
export const sealedLine = ({ checkpoint: it, leaves }: Sealed): string =>
  `{"checkpoint":${canonical(it)},"leaves":"${leaves}"}`;

const line = z.strictObject({
  checkpoint,
  leaves: z.string().regex(/^(?:[0-9a-f]{64})*$/),
});

/** Undefined for a line that holds no checkpoint, such as one that a crash cut off. */
export const parseSealedLine = (text: string): Sealed | undefined => {
  try {
    return line.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
};

export interface Cut {
  readonly platform: string;
  readonly key: SigningKey;
  readonly now: string;
}

interface Change {
  /** Signs from the next checkpoint on. */
  readonly nextKey?: string;
  readonly reset?: Reset & { readonly to: Position };
  /** Where what the previous one covers ends now, if the log was copied to where that is another place. */
  readonly after?: Position;
}

const NOTHING = { total: 0, last: null, to: START };

/** The checkpoint that comes after `previous` and adds these commits, which may be none. */
export const seal = (
  previous: Checkpoint | undefined,
  commits: readonly { readonly position: Position; readonly hash: string }[],
  { platform, key, now }: Cut,
  { nextKey, reset, after }: Change = {},
): Sealed => {
  const { total, last, to } = reset ?? previous ?? NOTHING;
  const before = { total, last, to: after ?? to };
  const newest = commits.at(-1) ?? { position: before.to, hash: before.last };
  const leaves = commits.map((commit) => commit.hash).join('');
  const content = {
    v: 1,
    platform,
    number: (previous?.number ?? 0) + 1,
    after: before.to,
    to: newest.position,
    count: commits.length,
    total: before.total + commits.length,
    digest: digestOf(leaves),
    last: newest.hash,
    previous: nameOf(previous),
    time: now,
    key: key.publicKey,
    nextKey: nextKey ?? null,
    reset: reset === undefined ? null : { total: reset.total, last: reset.last },
  } as const;
  return { checkpoint: { ...content, signature: key.sign(canonical(content)) }, leaves };
};

const nameOf = (previous: Checkpoint | undefined): string | null =>
  previous === undefined ? null : hashOf(previous);

export const isSigned = ({ signature, ...content }: Checkpoint): boolean =>
  isSignedBy(content.key, canonical(content), signature);

/** Why this cannot come after `previous`; undefined where it can. */
export const whyNotAfter = (
  previous: Checkpoint | undefined,
  sealed: Sealed,
): string | undefined => {
  const it = sealed.checkpoint;
  if (it.number !== (previous?.number ?? 0) + 1) return 'the one before it is missing';
  if (!isSigned(it)) return 'its signature is not right';
  const why = previous === undefined ? whyNotFirst(it) : whyNotNext(previous, it);
  if (why !== undefined) return why;
  return isWhole(it.reset ?? previous ?? NOTHING, sealed)
    ? undefined
    : 'its commit hashes are not those that were signed';
};

const whyNotFirst = ({ previous, reset }: Checkpoint): string | undefined =>
  previous === null && reset === null ? undefined : 'it is not the first one';

const whyNotNext = (previous: Checkpoint, it: Checkpoint): string | undefined => {
  if (it.previous !== hashOf(previous)) return 'it follows another checkpoint';
  if (it.key !== (previous.nextKey ?? previous.key)) return 'it is signed with another key';
  if (it.platform !== previous.platform) return 'it is of another platform';
  const goesBackTo = it.reset?.total ?? 0;
  return goesBackTo > previous.total ? 'it goes back to what never was' : undefined;
};

const isWhole = (before: Reset, { checkpoint: it, leaves }: Sealed): boolean => {
  const last = leaves === '' ? before.last : leaves.slice(-HASH_CHARACTERS);
  return (
    it.count * HASH_CHARACTERS === leaves.length &&
    it.total === before.total + it.count &&
    it.digest === digestOf(leaves) &&
    it.last === last
  );
};
