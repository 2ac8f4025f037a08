import type { Position, RecordedCommit } from '@shiplog/events';
import type { EventLog, LogFeed } from '@shiplog/events/log';

/** What a fill reads from. */
export type CommitReader = Pick<EventLog, 'readAfter' | 'compare'>;

/** Commits in order, as text: it crosses to another thread faster than objects do. */
export interface HandedPiece {
  readonly first: Position;
  readonly last: Position;
  readonly commits: string;
}

/** Commits handed over and not used yet; beyond that the other side reads for itself. */
const COMMITS_AHEAD_MAX = 40_000;
/** A feed that hands over nothing for so long is not where the other side is; it is waited for once. */
const WAIT_MS_MAX = 100;

/**
 * Hands what the feed of this process reads over to a thread that needs the same, so that a long log is
 * read and decoded once. A gap is no harm: the thread reads what is missing.
 */
export class HandOver {
  private used: number | undefined;
  private readonly unsubscribe: () => void;

  constructor(feed: Pick<LogFeed, 'onBatch'>, post: (piece: HandedPiece) => void) {
    this.unsubscribe = feed.onBatch((batch) => {
      const [first, last] = [batch[0]?.position, batch.at(-1)?.position];
      if (first === undefined || last === undefined) return;
      // Nothing was used yet: the thread is about to start.
      this.used ??= Number(first) - 1;
      // The thread is ahead of the feed, which had no snapshot to start from.
      if (Number(last) <= this.used) return;
      if (Number(last) - this.used > COMMITS_AHEAD_MAX) this.stop();
      else post({ first, last, commits: JSON.stringify(batch) });
    });
  }

  usedUpTo(position: Position): void {
    this.used = Number(position);
  }

  stop(): void {
    this.unsubscribe();
  }
}

/** The other side: what was handed over where there is such, else the log. */
export class HandedOver implements CommitReader {
  private pieces: HandedPiece[] = [];
  private isSilent = false;
  private arrived = (): void => undefined;

  constructor(private readonly log: CommitReader) {}

  push(piece: HandedPiece): void {
    this.pieces.push(piece);
    this.isSilent = false;
    this.arrived();
  }

  compare(a: Position, b: Position): number {
    return this.log.compare(a, b);
  }

  async readAfter(after: Position, limit: number): Promise<readonly RecordedCommit[]> {
    this.forget(after);
    if (this.pieces.length === 0 && !this.isSilent) await this.arrival();
    this.forget(after);
    const handed = this.take(after, limit);
    return handed.length > 0 ? handed : this.log.readAfter(after, limit);
  }

  private take(after: Position, limit: number): readonly RecordedCommit[] {
    const taken: RecordedCommit[] = [];
    let end = Number(after);
    for (const { first, last, commits } of this.pieces) {
      if (Number(first) > end + 1 || taken.length >= limit) break;
      const piece = JSON.parse(commits) as RecordedCommit[];
      taken.push(...piece.filter(({ position }) => Number(position) > end));
      end = Number(last);
    }
    return taken.slice(0, limit);
  }

  private forget(upTo: Position): void {
    this.pieces = this.pieces.filter(({ last }) => this.compare(last, upTo) > 0);
  }

  private arrival(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.isSilent = true;
        resolve();
      }, WAIT_MS_MAX);
      this.arrived = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
