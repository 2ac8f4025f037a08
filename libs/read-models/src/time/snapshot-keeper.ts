import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Position } from '@shiplog/events';
import type { LogFeed } from '@shiplog/events/log';
import type { PastLog } from './past-log.js';
import type { ReadModelsLogger } from '../logger.js';
import type { PastPlace } from './past.js';
import { nextPlace, SNAPSHOT_EVERY } from './places.js';
import { NOTHING_YET, SnapshotFiles, type PastState } from './snapshot-files.js';

interface KeeperOptions {
  readonly log: PastLog;
  readonly feed: Pick<LogFeed, 'position' | 'onBatch'>;
  readonly place: PastPlace;
  readonly logger: ReadModelsLogger;
  /** People who look at the past go first. */
  readonly isIdle: () => boolean;
  readonly every?: number;
}

/** A disk that was full is asked again after so many commits. */
const RETRY_COMMITS = 1_000;

/**
 * Makes snapshots while the log grows, in a thread of its own, so that nobody waits for a long fold the
 * first time that they look. What it could not make is made when somebody looks.
 */
export class SnapshotKeeper {
  private readonly files: SnapshotFiles;
  private readonly stopping = new AbortController();
  private newest: PastState = NOTHING_YET;
  private triedAt: Position | undefined;
  private running: Promise<void> | undefined;
  private readonly unsubscribe: () => void;

  constructor(private readonly options: KeeperOptions) {
    const { directory, codeHash } = options.place;
    this.files = new SnapshotFiles(directory, codeHash);
    this.unsubscribe = options.feed.onBatch(() => this.consider());
    this.consider();
  }

  async stop(): Promise<void> {
    this.unsubscribe();
    this.stopping.abort();
    await this.running;
  }

  private consider(): void {
    const { feed, log, isIdle } = this.options;
    const head = feed.position;
    const isTooSoon =
      this.triedAt !== undefined && log.commitsBetween(this.triedAt, head) < RETRY_COMMITS;
    if (isTooSoon || this.running !== undefined || !isIdle()) return;
    if (!this.isDue(head)) return;
    this.triedAt = head;
    this.running = this.keep()
      .catch((error: unknown) => {
        if (this.stopping.signal.aborted) return;
        this.options.logger.warn({ err: error }, 'read-models.snapshot-not-made');
      })
      .finally(() => (this.running = undefined));
  }

  private isDue(head: Position): boolean {
    const { log, every = SNAPSHOT_EVERY } = this.options;
    const { position, commits } = this.newest;
    return commits + log.commitsBetween(position, head) >= nextPlace(commits, every);
  }

  private async keep(): Promise<void> {
    const { feed, place, logger } = this.options;
    this.newest = await this.files.newest();
    const head = feed.position;
    if (!this.isDue(head)) return;
    const { directory, codeHash, make } = place;
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const file = join(directory, `making-${randomUUID()}.sqlite`);
    const startedMs = performance.now();
    try {
      await make({ directory, codeHash, file, until: head }, this.stopping.signal);
    } finally {
      for (const suffix of ['', '-wal', '-shm']) await rm(file + suffix, { force: true });
    }
    this.newest = await this.files.newest();
    const durationMs = Math.round(performance.now() - startedMs);
    logger.info({ position: this.newest.position, durationMs }, 'read-models.snapshot-kept');
  }
}
