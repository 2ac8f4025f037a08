import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import {
  chmod,
  constants,
  copyFile,
  mkdir,
  readFile,
  readdir,
  rename,
  rm,
  stat,
  statfs,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { positionBefore, START, type Position } from '@shiplog/events';
import type { PastLog } from './past-log.js';
import { z } from 'zod';
import { thinOut } from './thin-out.js';

/** The latest time of any commit up to a position, in milliseconds. */
export type TimeMark = readonly [position: Position, latestMs: number];

/** The read models at a place of the log, as a SQLite file beside which this lies. */
const snapshotMeta = z.strictObject({
  format: z.literal(1),
  /** Of the code that made it: no other code uses it. */
  codeHash: z.string(),
  position: z.string(),
  /** Of the commit there: of this log and no other. */
  hash: z.string(),
  /** Commits up to it. */
  commits: z.number(),
  bytes: z.number(),
  sha256: z.string(),
  marks: z.array(z.tuple([z.string(), z.number()])),
});
export type SnapshotMeta = z.infer<typeof snapshotMeta>;

/** Where the file of a past stands. */
export type PastState = Pick<SnapshotMeta, 'position' | 'hash' | 'commits'> & {
  readonly marks: readonly TimeMark[];
};
export const NOTHING_YET: PastState = { position: START, hash: '', commits: 0, marks: [] };

type LogReader = Pick<PastLog, 'readAfter' | 'compare'>;

/** Of a log of a million commits all that are made fit: at most 50,000 are to be folded for any of its pasts. */
const BYTES_MAX = 4 * 1024 ** 3;
/** Of what the disk has left. */
const SHARE_OF_DISK = 0.1;

/**
 * Read models of the past, kept to look at other pasts sooner. All of them can be deleted at any time:
 * one that is missing, damaged, of other code or of another log is not used, and the log is folded from
 * an earlier one, or from its start. They hold what read models hold: config values encrypted at most.
 */
export class SnapshotFiles {
  constructor(
    private readonly directory: string,
    private readonly codeHash: string,
    private readonly bytesMax = BYTES_MAX,
  ) {}

  /**
   * Copies the nearest snapshot at or before the position to `file`, and tells where it stands; `onCopying` is told
   * before, of each that is tried. Without a usable one there is no file, and it stands before the first commit.
   */
  async copyNearest(
    log: LogReader,
    position: Position,
    file: string,
    onCopying: (state: PastState) => void = () => undefined,
  ): Promise<PastState> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    const usable = (await this.all())
      .filter((meta) => meta.codeHash === this.codeHash && meta.position <= position)
      .toSorted((a, b) => b.commits - a.commits);
    for (const meta of usable) {
      if (await isOfLog(log, meta)) {
        onCopying(meta);
        if (await this.copyTo(file, meta)) return meta;
      }
      await this.drop(meta);
    }
    return NOTHING_YET;
  }

  /** Keeps a closed file as a snapshot, and gives up others where there would be too many. */
  async keep(file: string, state: PastState): Promise<void> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    const kept = this.fileOf(state.position);
    await copyFile(file, `${kept}.new`, constants.COPYFILE_FICLONE);
    await chmod(`${kept}.new`, 0o600);
    const meta: SnapshotMeta = {
      ...{ format: 1, codeHash: this.codeHash, position: state.position, hash: state.hash },
      ...{ commits: state.commits, bytes: (await stat(file)).size, sha256: await sha256Of(file) },
      marks: state.marks.map(([at, latest]) => [at, latest]),
    };
    await rename(`${kept}.new`, kept);
    await writeFile(`${kept}.json.new`, JSON.stringify(meta), { mode: 0o600 });
    await rename(`${kept}.json.new`, `${kept}.json`);
    await this.tidy();
  }

  /** Of the snapshot that reaches farthest; of any code, because the times of the log are in all. */
  async marks(log: LogReader): Promise<readonly TimeMark[]> {
    const farthest = (await this.all()).toSorted((a, b) => b.commits - a.commits);
    for (const meta of farthest) if (await isOfLog(log, meta)) return meta.marks;
    return [];
  }

  /** Where the snapshot of this code stands that reaches farthest. */
  async newest(): Promise<PastState> {
    const own = (await this.all()).filter(({ codeHash }) => codeHash === this.codeHash);
    return own.toSorted((a, b) => b.commits - a.commits)[0] ?? NOTHING_YET;
  }

  private async tidy(): Promise<void> {
    const all = await this.all();
    const own = all.filter(({ codeHash }) => codeHash === this.codeHash);
    const foreign = all.filter(({ codeHash }) => codeHash !== this.codeHash);
    for (const meta of [...foreign, ...thinOut(own, await this.budget(own))]) await this.drop(meta);
  }

  private async budget(own: readonly SnapshotMeta[]): Promise<number> {
    const { bavail, bsize } = await statfs(this.directory);
    const used = own.reduce((sum, { bytes }) => sum + bytes, 0);
    return Math.min(this.bytesMax, (bavail * bsize + used) * SHARE_OF_DISK);
  }

  private async all(): Promise<readonly SnapshotMeta[]> {
    const names = await readdir(this.directory).catch(() => []);
    const metas = await Promise.all(
      names.filter((name) => /^\d{20}\.sqlite\.json$/.test(name)).map((name) => this.read(name)),
    );
    return metas.filter((meta) => meta !== undefined);
  }

  private async read(name: string): Promise<SnapshotMeta | undefined> {
    try {
      const text = await readFile(join(this.directory, name), 'utf8');
      const meta = snapshotMeta.safeParse(JSON.parse(text));
      return meta.success && `${meta.data.position}.sqlite.json` === name ? meta.data : undefined;
    } catch {
      return undefined;
    }
  }

  /** The copy is what is checked: it is what will be used. */
  private async copyTo(file: string, { position, sha256 }: SnapshotMeta): Promise<boolean> {
    try {
      await copyFile(this.fileOf(position), file, constants.COPYFILE_FICLONE);
      await chmod(file, 0o600);
      if ((await sha256Of(file)) === sha256) return true;
    } catch (error) {
      if (!isGone(error)) throw error;
    }
    await rm(file, { force: true });
    return false;
  }

  private async drop({ position }: Pick<SnapshotMeta, 'position'>): Promise<void> {
    for (const suffix of ['.json', '']) await rm(this.fileOf(position) + suffix, { force: true });
  }

  private fileOf(position: Position): string {
    return join(this.directory, `${position}.sqlite`);
  }
}

const isOfLog = async (log: LogReader, { position, hash }: SnapshotMeta): Promise<boolean> => {
  const [record] = await log.readAfter(positionBefore(position), 1);
  return record?.position === position && record.hash === hash;
};

const sha256Of = async (file: string): Promise<string> => {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: 1024 * 1024 }), hash);
  return hash.digest('hex');
};

const isGone = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT';
