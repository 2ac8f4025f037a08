import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parseSealedLine, sealedLine, type Sealed } from './checkpoint.js';
import { UNREADABLE_END, type TestifyingStore, type Testimony } from './checkpoint-store.js';

/** Longer than some lines of a thousand commits. */
const TAIL_BYTES = 512 * 1024;

/** One line per checkpoint, only ever appended to, on disk before it counts. */
export class CheckpointFile implements TestifyingStore {
  constructor(
    readonly name: string,
    private readonly file: string,
    /** The folder of a witness is somebody else's: where it is gone, it is not made anew. */
    private readonly makesFolder = true,
  ) {}

  async newest(): Promise<Sealed | undefined> {
    const lines = await this.reading(async (handle) => {
      const { size } = await handle.stat();
      const from = Math.max(0, size - TAIL_BYTES);
      const { buffer, bytesRead } = await handle.read(
        Buffer.alloc(size - from),
        0,
        size - from,
        from,
      );
      return buffer.subarray(0, bytesRead).toString('utf8').split('\n');
    });
    const found = (lines ?? []).flatMap((line) => parseSealedLine(line) ?? []);
    // Two processes may write in another order than they numbered.
    return found.toSorted((a, b) => a.checkpoint.number - b.checkpoint.number).at(-1);
  }

  async after(number: number, limit = Infinity): Promise<readonly Sealed[]> {
    const found = await this.reading(async (handle) => {
      let sealed: Sealed[] = [];
      const { size } = await handle.stat();
      if (size === 0) return sealed;
      for await (const line of handle.readLines({ autoClose: false, start: 0, end: size - 1 })) {
        const one = parseSealedLine(line);
        if (one !== undefined && one.checkpoint.number > number) sealed.push(one);
        if (sealed.length >= 2 * limit) sealed = firstOf(sealed, limit);
      }
      return firstOf(sealed, limit);
    });
    return found ?? [];
  }

  /**
   * A line that a crash cut off is the last one and has no end, or its number came again after it: only a
   * whole line that is none, and nothing readable after it, takes something away.
   */
  async testimony(): Promise<Testimony> {
    const found = await this.reading(async (handle) => {
      const { size } = await handle.stat();
      const sealed: Sealed[] = [];
      let unread = 0;
      if (size === 0) return { sealed, unread };
      for await (const line of handle.readLines({ autoClose: false, start: 0, end: size - 1 })) {
        const one = parseSealedLine(line);
        if (one !== undefined) sealed.push(one);
        unread = one !== undefined ? 0 : line === '' ? unread : unread + 1;
      }
      if (unread > 0 && !(await endsLine(handle, size))) unread -= 1;
      return { sealed, unread };
    });
    const { sealed, unread } = found ?? { sealed: [], unread: 0 };
    return {
      sealed: sealed.toSorted((a, b) => a.checkpoint.number - b.checkpoint.number),
      problem: unread > 0 ? UNREADABLE_END : undefined,
    };
  }

  async put(sealed: readonly Sealed[]): Promise<void> {
    if (sealed.length === 0) return;
    const folder = dirname(this.file);
    if (this.makesFolder) await mkdir(folder, { recursive: true, mode: 0o700 });
    const handle = await open(this.file, 'a+', 0o600);
    try {
      const { size } = await handle.stat();
      const text = sealed.map((one) => `${sealedLine(one)}\n`).join('');
      // What a crash cut off stays a line of its own: it is no checkpoint, and its number comes again.
      await handle.write((await endsLine(handle, size)) ? text : `\n${text}`);
      await handle.sync();
      if (size === 0) await syncFolder(folder);
    } finally {
      await handle.close();
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private async reading<T>(read: (handle: FileHandle) => Promise<T>): Promise<T | undefined> {
    let handle: FileHandle;
    try {
      handle = await open(this.file, 'r');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
    try {
      return await read(handle);
    } finally {
      await handle.close();
    }
  }
}

/** By number: two processes may write in another order than they numbered. */
const firstOf = (sealed: readonly Sealed[], limit: number): Sealed[] =>
  sealed.toSorted((a, b) => a.checkpoint.number - b.checkpoint.number).slice(0, limit);

const endsLine = async (handle: FileHandle, size: number): Promise<boolean> => {
  if (size === 0) return true;
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer.toString('latin1') === '\n';
};

/** The name is on disk, too. */
export const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};
