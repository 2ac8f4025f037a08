import { positionOf, SEQUENCE_PATTERN, START, toPosition, type Position } from '@shiplog/events';
import type { PastLog } from './past-log.js';
import { AtUnknownError } from '../errors.js';
import type { TimeMark } from './snapshot-files.js';

const PAGE = 1_000;

/** `2026-11-21`, `2026-11-21T10:00:00Z`, `2026-11-21T10:00:00.123+02:00`; without a zone: UTC. */
const TIME_PATTERN =
  /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})?)?$/;

/** The caller's clock may be so far ahead of ours: its "now" is no future. */
const CLOCKS_APART_MS = 60_000;

interface Mark {
  readonly position: Position;
  /** The latest time of any commit up to here. */
  readonly latest: number;
}

interface LogTimesOptions {
  readonly nowMs?: () => number;
  /** Marks that were kept, in order: the log before the last of them is not read again. */
  readonly marks?: () => Promise<readonly TimeMark[]>;
}

/**
 * Finds the place of a moment in the log. Clocks of several machines do not run in step, so a moment is
 * *before the first commit that is later*; that is one place, whoever asks and whenever. Remembers a
 * mark every thousand commits, because what was once read stays so.
 */
export class LogTimes {
  private readonly marks: Mark[] = [{ position: START, latest: -Infinity }];
  private kept: Promise<void> | undefined;

  constructor(
    private readonly log: PastLog,
    private readonly options: LogTimesOptions = {},
  ) {}

  /** The position that `?at=` names. */
  async positionAt(at: string): Promise<Position> {
    const head = await this.log.head();
    const position = await this.parse(at, head);
    if (this.log.compare(position, head) > 0) {
      throw new AtUnknownError(`"${at}" is beyond the end of the log at ${Number(head)}`);
    }
    return position;
  }

  private parse(at: string, head: Position): Position | Promise<Position> {
    if (SEQUENCE_PATTERN.test(at)) return positionOf(at);
    if (/^\d{1,20}$/.test(at)) return toPosition(BigInt(at));
    const timeMs = timeOf(at);
    if (timeMs === null) throw new AtUnknownError(`"${at}" is no moment of the log`);
    return this.before(at, timeMs, head);
  }

  /** Everything before the first commit later than this; the head when there is none and the moment has come. */
  private async before(at: string, timeMs: number, head: Position): Promise<Position> {
    await (this.kept ??= this.takeKept());
    let mark = this.marks.findLast(({ latest }) => latest <= timeMs) ?? this.marks[0]!;
    while (this.log.compare(mark.position, head) < 0) {
      const page = await this.log.readAfter(mark.position, PAGE);
      const later = page.findIndex(({ commit }) => Date.parse(commit.time) > timeMs);
      if (later >= 0) return page[later - 1]?.position ?? mark.position;
      const last = page.at(-1);
      if (last === undefined) break;
      const latest = Math.max(mark.latest, ...page.map(({ commit }) => Date.parse(commit.time)));
      mark = { position: last.position, latest };
      if (page.length === PAGE && this.isNew(mark)) this.marks.push(mark);
    }
    this.refuseFuture(at, timeMs);
    return mark.position;
  }

  /** What may still come before it would change the answer. */
  private refuseFuture(at: string, timeMs: number): void {
    const now = this.options.nowMs?.() ?? Date.now();
    if (timeMs > now + CLOCKS_APART_MS) throw new AtUnknownError(`"${at}" has not come yet`);
  }

  private async takeKept(): Promise<void> {
    for (const [position, latest] of (await this.options.marks?.()) ?? []) {
      const mark = { position, latest };
      if (this.isNew(mark)) this.marks.push(mark);
    }
  }

  private isNew({ position }: Mark): boolean {
    return this.log.compare(position, this.marks.at(-1)?.position ?? START) > 0;
  }
}

/** What `?at=` names, in milliseconds, where it is a time and not a place. */
export const timeOf = (at: string): number | null => {
  const zone = TIME_PATTERN.exec(at);
  const timeMs = zone === null ? NaN : Date.parse(zoned(at, zone[1]));
  return Number.isNaN(timeMs) ? null : timeMs;
};

/** Date.parse reads a time without a zone as local; the log's times are UTC everywhere. */
const zoned = (at: string, zone: string | undefined): string =>
  zone === undefined && at.includes('T') ? `${at}Z` : at;
