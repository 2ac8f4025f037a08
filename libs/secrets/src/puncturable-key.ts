import { createHash, createHmac } from 'node:crypto';

/**
 * One secret that gives a key for every label, and from which single labels can be cut out for ever
 * (a tree of pseudorandom functions, after Goldreich, Goldwasser and Micali). The keys are the leaves of
 * a binary tree, a seed gives its two children, never the other way round. To cut one leaf out, the seeds
 * above it are forgotten and those beside its path kept: all other leaves can be made from them, this one
 * cannot. What was copied before keeps working for every label that nobody cut out since.
 */
export interface PuncturableKey {
  /** Seeds by the path that leads to them, `0` left and `1` right. A whole one has a single seed, at ``. */
  readonly seeds: ReadonlyMap<string, Buffer>;
}

/** Two labels meet at one leaf with a chance of 2^-64 for each pair. */
const DEPTH = 64;

/** The key of a label; undefined where it was cut out. */
export const keyOf = ({ seeds }: PuncturableKey, label: string): Buffer | undefined => {
  const path = pathOf(label);
  const start = startOf(seeds, path);
  if (start === undefined) return undefined;
  let seed = start.seed;
  for (const bit of path.slice(start.path.length)) seed = childOf(seed, bit);
  // Not the leaf itself: labels that meet there still have keys of their own.
  return createHmac('sha256', seed).update(`key\0${label}`).digest();
};

/** The same secret without the key of this label; the very same where it was cut out before. */
export const puncture = (key: PuncturableKey, label: string): PuncturableKey => {
  const path = pathOf(label);
  const start = startOf(key.seeds, path);
  if (start === undefined) return key;
  const seeds = new Map(key.seeds);
  seeds.delete(start.path);
  let seed = start.seed;
  for (let at = start.path.length; at < DEPTH; at += 1) {
    const [bit, other] = path[at] === '0' ? ['0', '1'] : ['1', '0'];
    seeds.set(path.slice(0, at) + other, childOf(seed, other));
    seed = childOf(seed, bit);
  }
  return { seeds };
};

const pathOf = (label: string): string =>
  createHash('sha256').update(label).digest().readBigUInt64BE().toString(2).padStart(DEPTH, '0');

const startOf = (
  seeds: ReadonlyMap<string, Buffer>,
  path: string,
): { readonly path: string; readonly seed: Buffer } | undefined => {
  for (let length = 0; length <= DEPTH; length += 1) {
    const seed = seeds.get(path.slice(0, length));
    if (seed !== undefined) return { path: path.slice(0, length), seed };
  }
  return undefined;
};

const childOf = (seed: Buffer, bit: string): Buffer =>
  createHmac('sha256', seed)
    .update(bit === '0' ? 'left' : 'right')
    .digest();
