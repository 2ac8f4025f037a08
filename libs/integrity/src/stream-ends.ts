import { ByteNames } from './byte-names.js';
import { HASH_CHARACTERS } from './checkpoint.js';

/** Where a stream ends as far as the log was looked at. */
export interface StreamEnd {
  readonly to: number;
  readonly hash: string | null;
  /** Position of a commit that no witness testifies to; else empty. */
  readonly unsworn: string;
}

/** A commit that cannot be read: whatever follows it is taken. */
const LOST = -1;

/**
 * The end of every stream, by its name. In tables, not in objects: an object and a text for every commit, most of
 * which outlive a turn of the collector, cost more to copy than all that is checked.
 */
export class StreamEnds {
  private readonly names = new ByteNames();
  private readonly versions: number[] = [];
  private hashes = Buffer.alloc(HASH_CHARACTERS * 1_024);
  private readonly unsworn = new Map<number, string>();

  /** The number of the stream of that name, which all else is asked by. */
  numberOf(bytes: Uint8Array, from = 0, to = bytes.length): number {
    const number = this.names.numberOf(bytes, from, to);
    if (number < this.versions.length) return number;
    this.versions.push(0);
    if (this.versions.length * HASH_CHARACTERS > this.hashes.length)
      this.hashes = Buffer.concat([this.hashes, Buffer.alloc(this.hashes.length)]);
    return number;
  }

  isLost(number: number): boolean {
    return this.versions[number] === LOST;
  }

  /** `hashFrom`: where the hash lies in these bytes; negative for null, as before the first commit. */
  isEnd(number: number, to: number, bytes: Uint8Array, hashFrom: number): boolean {
    if (this.versions[number] !== to) return false;
    const { hashes } = this;
    const start = number * HASH_CHARACTERS;
    if (hashFrom < 0) return hashes[start] === 0;
    for (let i = 0; i < HASH_CHARACTERS; i += 1)
      if (hashes[start + i] !== bytes[hashFrom + i]) return false;
    return true;
  }

  get(number: number): StreamEnd {
    const to = this.versions[number] ?? 0;
    return { to, hash: this.hashOf(number), unsworn: this.unsworn.get(number) ?? '' };
  }

  set(number: number, to: number, hash: Uint8Array, unsworn: string): void {
    this.versions[number] = to;
    this.hashes.set(hash, number * HASH_CHARACTERS);
    if (unsworn !== '') this.unsworn.set(number, unsworn);
    else if (this.unsworn.size > 0) this.unsworn.delete(number);
  }

  lose(number: number): void {
    this.versions[number] = LOST;
  }

  /** Null for a stream that has no commit yet: nothing was written there. */
  private hashOf(number: number): string | null {
    const start = number * HASH_CHARACTERS;
    if (this.hashes[start] === 0) return null;
    return this.hashes.toString('latin1', start, start + HASH_CHARACTERS);
  }
}
