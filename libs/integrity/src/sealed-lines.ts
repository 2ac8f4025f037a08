import type { Position } from '@shiplog/events';
import {
  checkedLines,
  HASH_LENGTH,
  provenLines,
  type CheckedLines,
  type EventLog,
} from '@shiplog/events/log';
import { digestOf, isSigned, type Sealed } from './checkpoint.js';
import type { CheckpointStore } from './checkpoint-store.js';

/** Some 6 MB of hashes. */
const CHECKPOINTS_AT_ONCE = 100;

/** Hashes of commits that follow each other, and the number in the log of the first. */
interface Known {
  readonly from: number;
  readonly hashes: string;
}

/**
 * Reads a long stretch of a dense log, in its order. Where signed checkpoints say which commits there are, their
 * bytes alone are read and held against those hashes: that costs a third, and proves more than the hashes that the log
 * keeps beside them. Where none says so, or the log has something else there, commits are read and checked as
 * everywhere else.
 */
export class SealedLines {
  private known: Known = { from: 1, hashes: '' };
  /** What comes after it. */
  private waiting: Known[] = [];
  /** The last checkpoint that was asked for. */
  private number: number | undefined;
  private tail: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly log: Pick<EventLog, 'readStored' | 'readBytes'>,
    private readonly checkpoints: Pick<CheckpointStore, 'newest' | 'after'>,
  ) {}

  /** Commits after that place, at most `limit`; undefined where there are none. */
  async read(after: Position, limit: number): Promise<CheckedLines | undefined> {
    const first = Number(after) + 1;
    const hashes = await this.inTurn(() => this.hashesFrom(first, limit));
    const proven = hashes === '' ? undefined : await this.provenBy(hashes, after, first);
    if (proven !== undefined) return proven;
    const stored = await this.log.readStored(after, limit);
    return stored.length === 0 ? undefined : checkedLines(first, stored);
  }

  private async provenBy(
    hashes: string,
    after: Position,
    first: number,
  ): Promise<CheckedLines | undefined> {
    const bytes = await this.log.readBytes?.(after, hashes.length / HASH_LENGTH);
    return bytes === undefined || bytes.length === 0
      ? undefined
      : provenLines(first, bytes, hashes);
  }

  /** Of the commits from that one on, as many as are known to follow each other, at most `limit`. */
  private async hashesFrom(first: number, limit: number): Promise<string> {
    this.number ??= await this.lastBefore(first);
    this.known = fromOn(this.known, first);
    while (endOf(this.known) < first + limit) {
      const next = await this.next();
      if (next === undefined) break;
      const isBeside = next.from === endOf(this.known);
      // After a hole, or where an operator went on with an older log: what is known before it comes first.
      if (!isBeside && endOf(this.known) > first) break;
      this.known = isBeside
        ? { from: this.known.from, hashes: this.known.hashes + next.hashes }
        : fromOn(next, first);
      this.waiting.shift();
    }
    const { from, hashes } = this.known;
    return from > first ? '' : hashes.slice(0, limit * HASH_LENGTH);
  }

  /** Number of the last checkpoint that ends before that commit: there may be thousands. */
  private async lastBefore(first: number): Promise<number> {
    let low = 0;
    let high = (await this.checkpoints.newest())?.checkpoint.number ?? 0;
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      const [one] = await this.checkpoints.after(middle - 1, 1);
      if (one !== undefined && one.checkpoint.total < first) low = middle;
      else high = middle;
    }
    return low;
  }

  /** The next that somebody testifies to; undefined where nobody does. */
  private async next(): Promise<Known | undefined> {
    if (this.waiting.length > 0) return this.waiting[0];
    const more = await this.checkpoints.after(this.number ?? 0, CHECKPOINTS_AT_ONCE);
    this.number = more.at(-1)?.checkpoint.number ?? this.number;
    this.waiting = more.filter(isAsSigned).map(({ checkpoint: { total, count }, leaves }) => ({
      from: total - count + 1,
      hashes: leaves,
    }));
    return more.length > 0 && this.waiting.length === 0 ? this.next() : this.waiting[0];
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.tail.then(work);
    this.tail = result.catch(() => undefined);
    return result;
  }
}

const isAsSigned = ({ checkpoint, leaves }: Sealed): boolean =>
  isSigned(checkpoint) && digestOf(leaves) === checkpoint.digest;

/** Without those before that commit. */
const fromOn = ({ from, hashes }: Known, first: number): Known =>
  first <= from
    ? { from, hashes }
    : { from: first, hashes: hashes.slice((first - from) * HASH_LENGTH) };

/** Number of the first commit that is not known. */
const endOf = ({ from, hashes }: Known): number => from + hashes.length / HASH_LENGTH;
