import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { START, type Position } from '@shiplog/events';
import type { LogFeed } from '@shiplog/events/log';
import type { PastLog } from './past-log.js';
import type { ReadModelsLogger } from '../logger.js';
import { SNAPSHOT_EVERY } from './make-past.js';
import type { PastPlace } from './past.js';
import { SnapshotFiles } from './snapshot-files.js';

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
  private newest: Position | undefined;
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
    const { feed, log, isIdle, every = SNAPSHOT_EVERY } = this.options;
    const head = feed.position;
    const isTooSoon =
      this.triedAt !== undefined && log.commitsBetween(this.triedAt, head) < RETRY_COMMITS;
    if (isTooSoon || this.running !== undefined || !isIdle()) return;
    if (log.commitsBetween(this.newest ?? START, head) < every) return;
    this.triedAt = head;
    this.running = this.keep(every)
      .catch((error: unknown) => {
        if (this.stopping.signal.aborted) return;
        this.options.logger.warn({ err: error }, 'read-models.snapshot-not-made');
      })
      .finally(() => (this.running = undefined));
  }

  private async keep(every: number): Promise<void> {
    const { feed, log, place, logger } = this.options;
    this.newest = await this.files.newest();
    const head = feed.position;
    if (log.commitsBetween(this.newest ?? START, head) < every) return;
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
    logger.info({ position: this.newest, durationMs }, 'read-models.snapshot-kept');
  }
}
