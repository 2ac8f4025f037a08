import { START, toPosition, type Position } from '../sequence.js';
import type { EsdbApi, EsdbEvent, EsdbPosition } from './esdb-api.js';
import { placeOf, positionOf } from './stored-event.js';

const PAGE = 1_000;
const PAGE_BACKWARDS = 100;

/**
 * Reads the commits of one log out of everything that a server holds: its own events, those of other
 * programs. The client cannot have the server choose when it reads.
 */
export class LogReader {
  /** Where the last search for the head began and what it found. */
  private searched: { readonly from: EsdbPosition; readonly head: Position } | undefined;

  constructor(
    private readonly api: EsdbApi,
    private readonly prefix: string,
  ) {}

  /** The commits after a position, which need not be that of a commit. */
  async after(after: Position, limit: number, timeoutMs: number): Promise<readonly EsdbEvent[]> {
    const found: EsdbEvent[] = [];
    let page = await this.pageAt(after, timeoutMs);
    let last: EsdbPosition | undefined;
    while (page.length > 0) {
      found.push(...page.filter((event) => this.isOurs(event) && positionOf(event) > after));
      if (found.length >= limit) break;
      last = page.at(-1)?.position;
      page = await this.pageAfter(last, timeoutMs);
    }
    return found.slice(0, limit);
  }

  /** The place is included; where no record lies, the next one may be meant, or else all is looked through. */
  private async pageAt(after: Position, timeoutMs: number): Promise<readonly EsdbEvent[]> {
    if (after !== START) {
      for (const place of [after, toPosition(BigInt(after) + 1n)]) {
        const page = await this.api.fromPlace(placeOf(place), PAGE, timeoutMs);
        if (page !== undefined) return page;
      }
    }
    return (await this.api.fromPlace(undefined, PAGE, timeoutMs)) ?? [];
  }

  private async pageAfter(
    last: EsdbPosition | undefined,
    timeoutMs: number,
  ): Promise<readonly EsdbEvent[]> {
    const page = await this.api.fromPlace(last, PAGE, timeoutMs);
    // A record was read there a moment ago: that there is none is no answer, and not the end of the log.
    if (page === undefined) throw new Error('EventStoreDB does not find a place that it gave');
    return page.filter(({ position }) => last === undefined || isAfter(position, last));
  }

  /** The last commit, searched from the end backwards; not twice where it was searched before. */
  async head(timeoutMs: number): Promise<Position> {
    const known = this.searched;
    let page = await this.api.beforePlace(undefined, PAGE_BACKWARDS, timeoutMs);
    const newest = page[0]?.position;
    while (page.length > 0) {
      for (const event of page) {
        const isKnown = known !== undefined && isSame(event.position, known.from);
        if (!isKnown && !this.isOurs(event)) continue;
        return this.remember(newest, isKnown ? known.head : positionOf(event));
      }
      page = await this.api.beforePlace(page.at(-1)?.position, PAGE_BACKWARDS, timeoutMs);
    }
    return this.remember(newest, START);
  }

  private remember(from: EsdbPosition | undefined, head: Position): Position {
    this.searched = from === undefined ? undefined : { from, head };
    return head;
  }

  private isOurs({ stream }: EsdbEvent): boolean {
    return stream.startsWith(this.prefix);
  }
}

export const isAfter = (a: EsdbPosition, b: EsdbPosition): boolean =>
  a.commit === b.commit ? a.prepare > b.prepare : a.commit > b.commit;

const isSame = (a: EsdbPosition, b: EsdbPosition): boolean =>
  a.commit === b.commit && a.prepare === b.prepare;
