import type { Position, RecordedCommit } from '@shiplog/events';
import type { EventLog, LogFeed } from '@shiplog/events/log';

/** More than this waiting is not kept: it is read from the log when its turn comes. */
const COMMITS_KEPT_MAX = 2_000;

/**
 * Commits in order from any position on: handed over by the process's own feed where they are newer than
 * this was made, read from the log where they are older or came faster than they were used.
 */
export class CommitSource {
  private waiting: RecordedCommit[] = [];
  /** `waiting` has everything after `from` up to `end`. */
  private from: Position;
  private end: Position;
  private readonly unsubscribe: () => void;

  constructor(
    private readonly log: EventLog,
    feed: Pick<LogFeed, 'position' | 'onBatch'>,
    onMore: () => void,
  ) {
    this.from = feed.position;
    this.end = feed.position;
    this.unsubscribe = feed.onBatch((batch) => {
      this.add(batch);
      onMore();
    });
  }

  /** The next commits after the position, at most `limit`; none when the feed has no newer ones. */
  async next(after: Position, limit: number): Promise<readonly RecordedCommit[]> {
    if (this.log.compare(after, this.end) >= 0) {
      this.keepAfter(this.end);
      return [];
    }
    if (this.log.compare(after, this.from) >= 0) {
      this.keepAfter(after);
      return this.waiting.slice(0, limit);
    }
    return this.log.readAfter(after, limit);
  }

  /** Has the feed seen commits after this position? */
  hasMore(after: Position): boolean {
    return this.log.compare(after, this.end) < 0;
  }

  stop(): void {
    this.unsubscribe();
    this.waiting = [];
  }

  private add(batch: readonly RecordedCommit[]): void {
    const last = batch.at(-1);
    if (last === undefined) return;
    this.end = last.position;
    this.waiting.push(...batch);
    if (this.waiting.length > COMMITS_KEPT_MAX) this.keepAfter(this.end);
  }

  private keepAfter(position: Position): void {
    const first = this.waiting.findIndex(
      (record) => this.log.compare(record.position, position) > 0,
    );
    this.waiting = first < 0 ? [] : this.waiting.slice(first);
    this.from = position;
  }
}
