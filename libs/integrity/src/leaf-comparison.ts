import { toPosition } from '@shiplog/events';
import type { Leaves } from './chain.js';
import type { Finding, Kind } from './kinds.js';

/** How far around the first difference both sides are looked at to tell what happened. */
const WINDOW = 200_000;

/** The first commit that the witness does not testify to, though it goes on. */
interface Difference {
  readonly position: string;
  readonly hash: string;
  /** Position of the last one alike. */
  readonly before: string;
  readonly expected: string;
}

/** Holds the commits of a log against those that a witness testifies to, one by one. */
export class LeafComparison {
  /** Commits alike so far. */
  private alike = 0;
  private difference: Difference | undefined;
  private readonly rest = new Set<string>();

  constructor(
    private readonly leaves: Leaves,
    private readonly isDense: boolean,
  ) {}

  /** Does the witness testify to this commit at this place, and to all before it? */
  isNext(hash: string): boolean {
    return (
      this.difference === undefined &&
      this.alike < this.leaves.count &&
      this.leaves.isAt(this.alike, hash)
    );
  }

  /** That commit was taken. */
  goOn(): void {
    this.alike += 1;
  }

  /** Answers whether the witness testifies to exactly this commit, which comes after one at `before`. */
  add(position: string, hash: string, before: string): boolean {
    if (this.isNext(hash)) {
      this.goOn();
      return true;
    }
    if (this.difference !== undefined) {
      if (this.rest.size < WINDOW) this.rest.add(hash);
      return false;
    }
    if (this.alike >= this.leaves.count) return false;
    this.difference = { position, hash, before, expected: this.leaves.at(this.alike) };
    this.rest.add(hash);
    return false;
  }

  /** The log ends at `last`. */
  finish(last: string): Finding | undefined {
    const { count } = this.leaves;
    const next = toPosition(BigInt(this.difference?.before ?? last) + 1n);
    if (this.difference === undefined) {
      if (this.alike >= count) return undefined;
      const detail = `the log ends before it; the witness has ${count - this.alike} commits more`;
      return { position: next, kind: 'truncated', detail };
    }
    const { position } = this.difference;
    const [kind, detail] = this.kindOf(this.difference);
    const place = kind === 'missing' && this.isDense ? next : position;
    return { position: place, kind, detail };
  }

  private kindOf({ position, hash, before, expected }: Difference): readonly [Kind, string] {
    let isHereLater = false;
    let survivors = 0;
    const until = Math.min(this.leaves.count, this.alike + WINDOW);
    for (let n = this.alike + 1; n < until; n += 1) {
      const leaf = this.leaves.at(n);
      isHereLater ||= leaf === hash;
      if (this.rest.has(leaf)) survivors += 1;
    }
    const isExpectedLater = this.rest.has(expected);
    const hasHole = this.isDense && BigInt(position) > BigInt(before) + 1n;
    if (isHereLater && isExpectedLater) return ['reordered', 'the witness has it at a later place'];
    if (isHereLater || hasHole)
      return ['missing', 'the witness has a commit there that the log has not'];
    if (isExpectedLater) return ['inserted', 'the witness knows no such commit there'];
    const expectedLeft = this.leaves.count - this.alike;
    if (survivors === 0 && expectedLeft > 1)
      return [
        'forked',
        `from here on the log has none of the ${expectedLeft} commits that the witness has`,
      ];
    return ['altered', 'the witness has another commit at that place'];
  }
}
