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
  private readonly numbers = new Map<string, number>();
  private readonly versions: number[] = [];
  private hashes = Buffer.alloc(HASH_CHARACTERS * 1_024);
  private readonly unsworn = new Map<number, string>();

  /** The number of a stream, which all else is asked by. */
  numberOf(stream: string): number {
    const known = this.numbers.get(stream);
    if (known !== undefined) return known;
    const number = this.numbers.size;
    this.numbers.set(ownText(stream), number);
    this.versions.push(0);
    if (this.versions.length * HASH_CHARACTERS > this.hashes.length)
      this.hashes = Buffer.concat([this.hashes, Buffer.alloc(this.hashes.length)]);
    return number;
  }

  isLost(number: number): boolean {
    return this.versions[number] === LOST;
  }

  isEnd(number: number, to: number, hash: string | null): boolean {
    return this.versions[number] === to && this.hashOf(number) === hash;
  }

  get(number: number): StreamEnd {
    const to = this.versions[number] ?? 0;
    return { to, hash: this.hashOf(number), unsworn: this.unsworn.get(number) ?? '' };
  }

  set(number: number, to: number, hash: string, unsworn: string): void {
    this.versions[number] = to;
    this.hashes.write(hash, number * HASH_CHARACTERS, 'latin1');
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

/** What was cut out of a longer text would keep all of that in memory. */
const ownText = (text: string): string => Buffer.from(text).toString();
