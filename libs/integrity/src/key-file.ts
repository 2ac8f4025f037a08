import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder } from './checkpoint-file.js';
import type { Checkpoint } from './checkpoint.js';
import { newSigningKey, signingKeyOf, type SigningKey } from './signing-key.js';

/** There is no key that may sign the next checkpoint. */
export class SigningKeyMissingError extends Error {
  readonly code = 'signing-key-missing';
}

/** Private keys in files of their own, readable by their owner only. */
export class KeyFile {
  constructor(private readonly file: string) {}

  /** The key that signs after this checkpoint; the first one is made here. */
  async keyAfter(newest: Checkpoint | undefined): Promise<SigningKey> {
    if (newest === undefined) return (await this.load(this.file)) ?? (await this.create());
    const wanted = newest.nextKey ?? newest.key;
    const current = await this.load(this.file);
    if (current?.publicKey === wanted) return current;
    // A change of keys that was sworn to, and then not finished.
    const next = await this.load(this.nextFile);
    if (next?.publicKey === wanted) {
      await this.finishChange();
      return next;
    }
    throw new SigningKeyMissingError(
      `the key that signs checkpoints (public key ${wanted}) is not in ${this.file}; put it back from a backup`,
    );
  }

  /** Makes the key that will follow; `finishChange` puts it in the place of the one before. */
  async prepareChange(): Promise<SigningKey> {
    const { key, pem } = newSigningKey();
    await rm(this.nextFile, { force: true });
    await this.write(this.nextFile, pem);
    return key;
  }

  async finishChange(): Promise<void> {
    await rename(this.nextFile, this.file);
    await syncFolder(dirname(this.file));
  }

  private get nextFile(): string {
    return `${this.file}.next`;
  }

  private async load(file: string): Promise<SigningKey | undefined> {
    try {
      return signingKeyOf(await readFile(file, 'utf8'));
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw new SigningKeyMissingError(`${file} is no Ed25519 key; put it back from a backup`, {
        cause,
      });
    }
  }

  private async create(): Promise<SigningKey> {
    const { pem } = newSigningKey();
    const fresh = `${this.file}.${process.pid}`;
    await this.write(fresh, pem);
    try {
      // Two processes at once: link fails where rename would replace the other one's key.
      await link(fresh, this.file).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error;
      });
    } finally {
      await rm(fresh, { force: true });
    }
    await syncFolder(dirname(this.file));
    const key = await this.load(this.file);
    if (key === undefined) throw new SigningKeyMissingError(`${this.file} was removed`);
    return key;
  }

  private async write(file: string, pem: string): Promise<void> {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(file, pem, { mode: 0o600, flag: 'wx', flush: true });
  }
}
