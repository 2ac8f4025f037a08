import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream, mkdirSync } from 'node:fs';
import { open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

export class SourceTooLargeError extends Error {
  readonly code = 'source-too-large';
  constructor(readonly limitBytes: number) {
    super(`the source is larger than ${limitBytes} bytes`);
    this.name = 'SourceTooLargeError';
  }
}

/** Files and folders of one source: more is nobody's code. */
export const SOURCE_ENTRIES_MAX = 100_000;

const INCOMING = '.incoming-';
/** No source takes so long that nothing of it comes for an hour. */
const LEFTOVER_MS = 60 * 60_000;

/** So long after it was stored a source that nobody needs may still be named by a request. */
const UNNEEDED_MS = 24 * 60 * 60_000;
/** A wrong view of what is needed must not cost everything at once. */
const PRUNED_AT_ONCE = 50;

const DIGEST = /^sha256:([0-9a-f]{64})$/;

/**
 * Sources (tar archives) by content: what a build is made from is kept, so that the image of every kept
 * release can be made again. Written by the api, read by the builder; files never change.
 */
export class SourceStore {
  constructor(private readonly directory: string) {}

  /** Stores the stream and names it by its SHA-256. The same content twice is one file. */
  async put(content: Readable, limitBytes = 1024 ** 3): Promise<{ digest: string; bytes: number }> {
    // Synchronous, so that the content is read from this turn on: the output of a program that ended
    // meanwhile would be thrown away by Node.js when nobody listens.
    mkdirSync(this.directory, { recursive: true, mode: 0o700 });
    const fresh = join(this.directory, `${INCOMING}${randomBytes(8).toString('hex')}`);
    const hash = createHash('sha256');
    let bytes = 0;
    const measure = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        bytes += chunk.length;
        hash.update(chunk);
        done(bytes > limitBytes ? new SourceTooLargeError(limitBytes) : null, chunk);
      },
    });
    try {
      await pipeline(content, measure, createWriteStream(fresh, { mode: 0o600 }));
      await syncFile(fresh);
      const digest = `sha256:${hash.digest('hex')}`;
      await rename(fresh, this.path(digest));
      await syncFile(this.directory);
      return { digest, bytes };
    } catch (error) {
      await rm(fresh, { force: true });
      throw error;
    } finally {
      await this.removeLeftovers();
    }
  }

  /** Of processes that were killed while a source came in: nobody else would ever remove them. */
  private async removeLeftovers(): Promise<void> {
    for (const name of await readdir(this.directory).catch(() => [])) {
      if (!name.startsWith(INCOMING)) continue;
      const path = join(this.directory, name);
      // Gone meanwhile, or just not to be had: the next source comes by here again.
      const writtenAtMs = await stat(path).then(
        ({ mtimeMs }) => mtimeMs,
        () => Infinity,
      );
      if (Date.now() - writtenAtMs > LEFTOVER_MS) await rm(path).catch(() => undefined);
    }
  }

  /** Whether it is there. Then it counts as just stored: who asks is about to name it in the log. */
  async renew(digest: string): Promise<boolean> {
    const now = new Date();
    return utimes(this.path(digest), now, now).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return false;
        throw error;
      },
    );
  }

  /** The archive; the stream fails with ENOENT when it is not kept (any more). */
  read(digest: string): Readable {
    return createReadStream(this.path(digest));
  }

  /** Removes the oldest of those that nobody needs, and that are too old for a request that is under way. */
  async prune(isNeeded: (digest: string) => boolean, nowMs: number): Promise<readonly string[]> {
    const old: { readonly digest: string; readonly storedAtMs: number }[] = [];
    for (const name of await readdir(this.directory).catch(() => [])) {
      const digest = `sha256:${/^([0-9a-f]{64})\.tar$/.exec(name)?.[1]}`;
      if (!DIGEST.test(digest) || isNeeded(digest)) continue;
      const storedAtMs = await this.storedAtMs(digest);
      if (nowMs - storedAtMs > UNNEEDED_MS) old.push({ digest, storedAtMs });
    }
    const oldest = old.toSorted((a, b) => a.storedAtMs - b.storedAtMs).slice(0, PRUNED_AT_ONCE);
    const removed: string[] = [];
    for (const { digest, storedAtMs } of oldest) {
      // Renewed meanwhile: somebody is about to name it.
      if ((await this.storedAtMs(digest)) !== storedAtMs) continue;
      await rm(this.path(digest), { force: true });
      removed.push(digest);
    }
    return removed;
  }

  private storedAtMs(digest: string): Promise<number> {
    return stat(this.path(digest)).then(
      ({ mtimeMs }) => mtimeMs,
      () => Infinity,
    );
  }

  private path(digest: string): string {
    const hex = DIGEST.exec(digest)?.[1];
    if (hex === undefined) throw new Error('a digest is "sha256:" and 64 hexadecimal digits');
    return join(this.directory, `${hex}.tar`);
  }
}

/** On the disk before the event that names it: a file or the directory that lists it. */
const syncFile = async (path: string): Promise<void> => {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};
