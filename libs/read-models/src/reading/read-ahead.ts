import type { Worker } from 'node:worker_threads';
import type { Position, RecordedCommit } from '@shiplog/events';
import { recordsIn, type CheckedLines, type EventLog } from '@shiplog/events/log';
import type { CommitReader } from '../handed-over.js';
import type { Stretch, Used } from './reading-thread.js';

/** Starts a thread that calls `serveReading`. */
export type StartReading = (stretch: Stretch, limits: typeof READING) => Worker;

/** A third of it has to hold a few pieces, or what dies soon is copied about first. */
const READING = { maxYoungGenerationSizeMb: 32 } as const;

/** Fewer commits are read in less time than another thread takes to start. */
const READ_BESIDE_FROM = 20_000;

/** A stretch of the log that is read beside its fold where that pays. */
export const readingBeside = (
  log: CommitReader & Pick<EventLog, 'isDense' | 'commitsBetween'>,
  start: StartReading,
  { after, until }: Stretch,
): ReadAhead | undefined =>
  log.isDense && log.commitsBetween(after, until) >= READ_BESIDE_FROM
    ? new ReadAhead(log, start, until)
    : undefined;

/**
 * A long stretch of a dense log, read in a thread of its own: that one asks, receives, and checks the bytes
 * against their hashes while this one folds. What it does not give, for whatever reason, is read here, and
 * fails here.
 */
export class ReadAhead implements CommitReader {
  private thread: Worker | undefined;
  private readonly pieces: CheckedLines[] = [];
  private isOver = false;
  private arrived = (): void => undefined;

  constructor(
    private readonly log: CommitReader,
    private readonly start: StartReading,
    private readonly until: Position,
  ) {}

  compare(a: Position, b: Position): number {
    return this.log.compare(a, b);
  }

  /** To be called in the order of the log. */
  async readAfter(after: Position, limit: number): Promise<readonly RecordedCommit[]> {
    this.beginAfter(after);
    const found: RecordedCommit[] = [];
    while (found.length < limit) {
      const next = Number(after) + found.length + 1;
      const piece = await this.pieceWith(next);
      if (piece === undefined) break;
      found.push(...recordsIn(piece, next - piece.first, limit - found.length));
    }
    return found.length > 0 ? found : this.log.readAfter(after, limit);
  }

  async stop(): Promise<void> {
    await this.thread?.terminate();
  }

  /** Before the first is asked for: by then a few may be there. */
  beginAfter(after: Position): void {
    if (this.thread !== undefined) return;
    const thread = this.start({ after, until: this.until }, READING);
    this.thread = thread;
    thread.on('message', (piece: CheckedLines) => {
      this.pieces.push(piece);
      this.arrived();
    });
    const end = (): void => {
      this.isOver = true;
      this.arrived();
    };
    thread.once('error', end);
    thread.once('exit', end);
  }

  /** Lets go of those before it. */
  private async pieceWith(position: number): Promise<CheckedLines | undefined> {
    for (;;) {
      const [piece] = this.pieces;
      if (piece === undefined) {
        if (this.isOver) return undefined;
        await new Promise<void>((resolve) => (this.arrived = resolve));
      } else if (piece.first + piece.ends.length <= position) {
        this.pieces.shift();
        this.thread?.postMessage('used' satisfies Used);
      } else return piece.first <= position ? piece : undefined;
    }
  }
}
