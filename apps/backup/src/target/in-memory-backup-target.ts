import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { BackupError } from '../backup-error.js';
import type { BackupTarget, StoredFile } from './backup-target.port.js';

/** The fake: files in a map, which a test may damage, and a place that may fill up. */
export class InMemoryBackupTarget implements BackupTarget {
  readonly address = 'memory';
  readonly files = new Map<string, Buffer>();
  /** Puts that still succeed before the place is full. */
  putsLeft = Infinity;

  async put(name: string, file: string): Promise<void> {
    if (this.putsLeft === 0) {
      throw new BackupError('backup-target-unavailable', `writing ${name}: no space left`);
    }
    this.putsLeft -= 1;
    this.files.set(name, await readFile(file));
  }

  read(name: string): Promise<Readable> {
    const found = this.files.get(name);
    return found === undefined
      ? Promise.reject(new BackupError('backup-damaged', `${name} is not there`))
      : Promise.resolve(Readable.from([found]));
  }

  list(prefix: string): Promise<readonly StoredFile[]> {
    const found = [...this.files].filter(([name]) => name.startsWith(prefix));
    return Promise.resolve(found.map(([name, { length }]) => ({ name, bytes: length })));
  }

  remove(name: string): Promise<void> {
    this.files.delete(name);
    return Promise.resolve();
  }

  removeLeftovers(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
