import { toPosition } from '@shiplog/events';
import type { Leaves } from './chain.js';
import type { Finding, Kind } from './kinds.js';

/** How far around the first difference both sides are looked at to tell what happened. */
const WINDOW = 200_000;

/** Holds the commits of a log against those that a witness testifies to, one by one. */
export class LeafComparison {
  /** Commits alike so far. */
  private alike = 0;
  private before = toPosition(0);
  private difference:
    { readonly position: string; readonly hash: string; readonly expected: string } | undefined;
  private readonly rest = new Set<string>();

  constructor(
    private readonly leaves: Leaves,
    private readonly isDense: boolean,
  ) {}

  /** Answers whether the witness testifies to exactly this commit at this place. */
  add(position: string, hash: string): boolean {
    if (this.difference !== undefined) {
      if (this.rest.size < WINDOW) this.rest.add(hash);
      return false;
    }
    if (this.alike >= this.leaves.count) return false;
    if (this.leaves.isAt(this.alike, hash)) {
      this.alike += 1;
      this.before = position;
      return true;
    }
    this.difference = { position, hash, expected: this.leaves.at(this.alike) };
    this.rest.add(hash);
    return false;
  }

  get commonCount(): number {
    return this.alike;
  }

  finish(): Finding | undefined {
    const next = toPosition(BigInt(this.before) + 1n);
    const { count } = this.leaves;
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

  private kindOf(difference: {
    readonly position: string;
    readonly hash: string;
    readonly expected: string;
  }): readonly [Kind, string] {
    const { hash, expected, position } = difference;
    let isHereLater = false;
    let survivors = 0;
    const until = Math.min(this.leaves.count, this.alike + WINDOW);
    for (let n = this.alike + 1; n < until; n += 1) {
      const leaf = this.leaves.at(n);
      isHereLater ||= leaf === hash;
      if (this.rest.has(leaf)) survivors += 1;
    }
    const isExpectedLater = this.rest.has(expected);
    const hasHole = this.isDense && BigInt(position) > BigInt(this.before) + 1n;
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
