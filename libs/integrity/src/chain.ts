import {
  HASH_CHARACTERS,
  hashOf,
  whyNotAfter,
  type Checkpoint,
  type Sealed,
} from './checkpoint.js';

/** The commit hashes that a chain of checkpoints testifies to, by their number in the log. */
export class Leaves {
  private readonly parts: { readonly from: number; readonly bytes: Buffer }[] = [];
  private total = 0;
  private part = { from: 0, hex: '' };

  get count(): number {
    return this.total;
  }

  /** From the `from`th on it is these: what was known from there on is forgotten. */
  put(from: number, hex: string): void {
    while ((this.parts.at(-1)?.from ?? -1) >= from) this.parts.pop();
    const last = this.parts.at(-1);
    if (last !== undefined && last.from + last.bytes.length / HASH_BYTES > from) {
      const kept = last.bytes.subarray(0, (from - last.from) * HASH_BYTES);
      this.parts.splice(-1, 1, { from: last.from, bytes: kept });
    }
    if (hex !== '') this.parts.push({ from, bytes: Buffer.from(hex, 'hex') });
    this.total = from + hex.length / HASH_CHARACTERS;
    this.part = { from: 0, hex: '' };
  }

  /** Is that the hash of the `n`th commit, counted from 0? Fast where asked in order. */
  isAt(n: number, hash: string): boolean {
    this.load(n);
    return this.part.hex.startsWith(hash, (n - this.part.from) * HASH_CHARACTERS);
  }

  at(n: number): string {
    this.load(n);
    const start = (n - this.part.from) * HASH_CHARACTERS;
    return this.part.hex.slice(start, start + HASH_CHARACTERS);
  }

  private load(n: number): void {
    const { from, hex } = this.part;
    if (n >= from && n < from + hex.length / HASH_CHARACTERS) return;
    const part = this.parts[this.indexOf(n)];
    this.part =
      part === undefined
        ? { from: n, hex: '' }
        : { from: part.from, hex: part.bytes.toString('hex') };
  }

  private indexOf(n: number): number {
    let low = 0;
    let high = this.parts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.parts[middle]?.from ?? 0) <= n) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

const HASH_BYTES = HASH_CHARACTERS / 2;

/** What a witness holds, as far as it is one chain of checkpoints that were signed. */
export interface Chain {
  readonly newest: Checkpoint | undefined;
  readonly leaves: Leaves;
  /** Hash by number: two chains are one as far as these are equal. */
  readonly hashes: readonly string[];
  /** The checkpoints at which an operator went on with a log that had lost commits. */
  readonly resets: readonly Checkpoint[];
  /** Where the chain cannot be followed any further, and why. */
  readonly problem: string | undefined;
}

/** The key that the first checkpoint must be signed with; undefined: whatever it is. */
export type Pin = string | undefined;

/**
 * Follows checkpoints from the first on. Some may come twice and in any order, as two processes write
 * them; two different ones of one number are a problem, as is whatever does not follow.
 */
export const chainOf = (sealed: Iterable<Sealed>, pin?: Pin): Chain => {
  const { byNumber, doubles } = sorted(sealed);
  const chain = {
    newest: undefined as Checkpoint | undefined,
    leaves: new Leaves(),
    hashes: [] as string[],
    resets: [] as Checkpoint[],
  };
  for (let number = 1; ; number += 1) {
    const next = byNumber.get(number);
    if (next === undefined) {
      const isGap = byNumber.size > number - 1;
      return { ...chain, problem: isGap ? `checkpoint ${number} is missing` : undefined };
    }
    if (doubles.has(number)) return { ...chain, problem: `there are two checkpoints ${number}` };
    const { checkpoint } = next;
    const isOfOther = number === 1 && pin !== undefined && checkpoint.key !== pin;
    const why = isOfOther ? 'it is signed with another key' : whyNotAfter(chain.newest, next);
    if (why !== undefined)
      return { ...chain, problem: `checkpoint ${number} does not hold: ${why}` };
    chain.newest = checkpoint;
    chain.hashes.push(hashOf(checkpoint));
    chain.leaves.put(checkpoint.total - checkpoint.count, next.leaves);
    if (checkpoint.reset !== null) chain.resets.push(checkpoint);
  }
};

const sorted = (sealed: Iterable<Sealed>) => {
  const byNumber = new Map<number, Sealed>();
  const doubles = new Set<number>();
  for (const one of sealed) {
    const { number } = one.checkpoint;
    const known = byNumber.get(number);
    if (known === undefined) byNumber.set(number, one);
    else if (hashOf(known.checkpoint) !== hashOf(one.checkpoint)) doubles.add(number);
  }
  return { byNumber, doubles };
};

/** Is one the beginning of the other, or equal to it? Then they were never forked. */
export const isPrefixOf = (shorter: Chain, longer: Chain): boolean =>
  shorter.hashes.length <= longer.hashes.length &&
  (shorter.hashes.length === 0 ||
    shorter.hashes.at(-1) === longer.hashes[shorter.hashes.length - 1]);
