import { mkdir } from 'node:fs/promises';
import { START, type Position } from '@shiplog/events';
import { StoredChain, type StoredCommit } from '@shiplog/events/log';
import { OperationalError, claimHome, type PlatformConfig } from '@shiplog/runtime';
import type { CommitToImport, ImportTarget } from './import-target.js';
import { openImportTarget } from './open-import-target.js';

export type { CommitToImport } from './import-target.js';

/** A log is not imported into this one. Nothing was changed. */
export class ImportRefusedError extends OperationalError {
  readonly code = 'import-refused';
  readonly retryable = false;
}

export interface ImportOptions {
  /** Called as commits are known to be stored; `present` of them were there before. */
  readonly onProgress?: (progress: ImportProgress) => void;
}

export interface ImportProgress {
  readonly present: number;
  readonly imported: number;
}

export interface ImportResult extends ImportProgress {
  /** Of the last commit of the log now. */
  readonly position: Position;
}

/**
 * Puts commits, from the first one of a log on and in its order, into the log of this home, byte for byte.
 * Every hash and chain is checked on the way. The log may hold the first of these commits already, and
 * is then gone on with; anything else in it is refused. No platform may run on this home.
 */
export const importLog = (
  config: PlatformConfig,
  commits: AsyncIterable<CommitToImport>,
  options: ImportOptions = {},
): Promise<ImportResult> =>
  withHome(config.home, async () => {
    const target = await openImportTarget(config);
    try {
      return await importInto(target, commits, options);
    } finally {
      await target.close();
    }
  });

/** Does it while this process holds the home, so that no control plane can start on it. */
export const withHome = async <T>(home: string, work: () => Promise<T>): Promise<T> => {
  await mkdir(home, { recursive: true, mode: 0o700 });
  const claim = await claimHome(home);
  if (!('release' in claim)) {
    throw new ImportRefusedError(
      `the platform of ${home} runs (process ${claim.takenBy}); stop it first, with Ctrl-C or ./shiplog down`,
    );
  }
  try {
    return await work();
  } finally {
    await claim.release();
  }
};

const BATCH = 256;
const TOLD_EVERY = 1_000;

export const importInto = async (
  target: ImportTarget,
  commits: AsyncIterable<CommitToImport>,
  { onProgress }: ImportOptions = {},
): Promise<ImportResult> => {
  const chain = new StoredChain();
  const present = new Present(target);
  let imported = 0;
  let waiting: CommitToImport[] = [];
  const flush = async (): Promise<void> => {
    if (waiting.length > 0) await target.append(waiting);
    imported += waiting.length;
    waiting = [];
    onProgress?.({ present: present.count, imported });
  };
  for await (const commit of commits) {
    chain.check(commit, `place ${present.count + imported + waiting.length + 1}`);
    if (await present.has(commit)) {
      if (present.count % TOLD_EVERY === 0) onProgress?.({ present: present.count, imported });
      continue;
    }
    waiting.push(commit);
    if (waiting.length === BATCH) await flush();
  }
  await present.assertUsedUp();
  await flush();
  return { present: present.count, imported, position: await target.head() };
};

/** What the target holds already, compared with what comes, one by one. */
class Present {
  count = 0;
  position: Position = START;
  private batch: readonly StoredCommit[] = [];
  private used = 0;
  private isUsedUp = false;

  constructor(private readonly target: ImportTarget) {}

  /** False for the first commit that is not there, and for all after it. */
  async has(commit: CommitToImport): Promise<boolean> {
    const stored = await this.next();
    if (stored === undefined) return false;
    if (!isSame(stored, commit))
      throw this.refusal(`has another commit at place ${this.count + 1}`);
    this.count += 1;
    this.used += 1;
    this.position = stored.position;
    return true;
  }

  async assertUsedUp(): Promise<void> {
    if ((await this.next()) !== undefined) throw this.refusal('holds more commits than the other');
  }

  private async next(): Promise<StoredCommit | undefined> {
    if (this.isUsedUp) return undefined;
    if (this.used === this.batch.length) {
      this.batch = await this.target.readStored(this.position, BATCH);
      this.used = 0;
    }
    const stored = this.batch[this.used];
    this.isUsedUp = stored === undefined;
    return stored;
  }

  private refusal(what: string): ImportRefusedError {
    return new ImportRefusedError(
      `the log to import into ${what}: it is not the beginning of the other log. ` +
        'Import into an empty one: give the platform another SHIPLOG_HOME, or the log another name',
    );
  }
}

export const isSame = (a: CommitToImport, b: CommitToImport): boolean =>
  a.hash === b.hash &&
  a.id === b.id &&
  a.stream === b.stream &&
  Buffer.compare(a.bytes, b.bytes) === 0;
