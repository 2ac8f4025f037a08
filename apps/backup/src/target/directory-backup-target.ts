import { randomBytes } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import {
  copyFile,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  stat,
  type FileHandle,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { BackupError } from '../backup-error.js';
import type { BackupTarget, StoredFile } from './backup-target.port.js';
import { fromTarget } from './from-target.js';

const INCOMING = '.incoming-';

/** A folder, on a disk of its own if it is to be of use. Files appear whole, synced, and never change. */
export class DirectoryBackupTarget implements BackupTarget {
  private readonly madeFolders = new Set<string>();

  private constructor(
    readonly address: string,
    /** Held while it is used: no other folder is taken for it, and its disk is not unmounted. */
    private readonly folder: FileHandle,
  ) {}

  /** The folder itself is never made: a disk that is not mounted would fill the one below it. */
  static async open(path: string): Promise<DirectoryBackupTarget> {
    const isFolder = await stat(path).then(
      (found) => found.isDirectory(),
      (error: unknown) => {
        throw unavailable(`opening ${path} (make the folder, or mount its disk)`, error);
      },
    );
    if (!isFolder) throw unavailable(`${path} is no folder`);
    return doing(`opening ${path}`, async () => new DirectoryBackupTarget(path, await open(path)));
  }

  put(name: string, file: string): Promise<void> {
    return this.doing(`writing ${name}`, async () => {
      const path = this.path(name);
      await this.ensureFolder(dirname(path));
      const fresh = join(this.address, `${INCOMING}${randomBytes(8).toString('hex')}`);
      try {
        await copyFile(file, fresh, constants.COPYFILE_FICLONE);
        await sync(fresh);
        await rename(fresh, path);
        await sync(dirname(path));
      } finally {
        await rm(fresh, { force: true });
      }
    });
  }

  read(name: string): Promise<Readable> {
    return this.doing(`reading ${name}`, async () => {
      const handle = await open(this.path(name)).catch((cause: unknown) => {
        if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
        throw new BackupError('backup-damaged', `${name} is not there`, { cause });
      });
      return fromTarget(name, createReadStream('', { fd: handle }));
    });
  }

  async list(prefix: string): Promise<readonly StoredFile[]> {
    return this.doing('listing', async () => {
      const folder = prefix.slice(0, Math.max(0, prefix.lastIndexOf('/')));
      const found = await this.walk(folder);
      return found.filter(({ name }) => name.startsWith(prefix));
    });
  }

  remove(name: string): Promise<void> {
    return this.doing(`removing ${name}`, () => rm(this.path(name), { force: true }));
  }

  removeLeftovers(): Promise<void> {
    return this.doing('clearing away leftovers', async () => {
      for (const name of await readdir(this.address)) {
        if (name.startsWith(INCOMING)) await rm(join(this.address, name), { force: true });
      }
    });
  }

  close(): Promise<void> {
    return this.folder.close();
  }

  /** Only while the folder is the one that was opened: in another one, what we wrote would not be. */
  private doing<T>(what: string, work: () => Promise<T>): Promise<T> {
    return doing(what, async () => {
      const [held, found] = await Promise.all([this.folder.stat(), stat(this.address)]);
      if (held.dev === found.dev && held.ino === found.ino) return work();
      throw new Error(`${this.address} is another folder than it was: was its disk unmounted?`);
    });
  }

  private async walk(folder: string): Promise<StoredFile[]> {
    const path = join(this.address, folder);
    const entries = await readdir(path, { withFileTypes: true }).catch((error: unknown) => {
      if (folder !== '' && (error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    });
    const found: StoredFile[] = [];
    for (const entry of entries) {
      const name = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) found.push(...(await this.walk(name)));
      else if (!entry.name.startsWith('.')) {
        const bytes = await stat(join(this.address, name)).then(
          ({ size }) => size,
          () => undefined,
        );
        // Gone between the two looks: as if it had not been seen.
        if (bytes !== undefined) found.push({ name, bytes });
      }
    }
    return found;
  }

  private async ensureFolder(folder: string): Promise<void> {
    if (this.madeFolders.has(folder)) return;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await sync(dirname(folder));
    this.madeFolders.add(folder);
  }

  private path(name: string): string {
    if (!/^[a-z0-9]+(?:[./-][A-Za-z0-9]+)*$/.test(name)) throw new Error(`not a name: ${name}`);
    return join(this.address, name);
  }
}

const sync = async (path: string): Promise<void> => {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

const unavailable = (what: string, cause?: unknown): BackupError =>
  new BackupError('backup-target-unavailable', what, { cause });

const doing = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof BackupError) throw cause;
    throw unavailable(what, cause);
  }
};
