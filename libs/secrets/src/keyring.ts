import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ID_PATTERN } from '@shiplog/events';

export class KeyMissingError extends Error {
  readonly code = 'key-missing';
  constructor(readonly appId: string) {
    super(`the key of app ${appId} is not in the key store`);
    this.name = 'KeyMissingError';
  }
}

const ALGORITHM = 'aes-256-gcm';
/** Said in so many words, or Node.js takes a tag cut down to 4 bytes for a proof. */
const TAG = { authTagLength: 16 } as const;

/**
 * One AES-256 key per app, a file each, outside the log and outside SQL, readable by its owner only.
 * Deleting the file makes every config value of the app unreadable for ever, wherever it was copied.
 */
export class Keyring {
  private readonly cache = new Map<string, Buffer>();

  constructor(private readonly directory: string) {}

  /** `enc1.<iv>.<tag>.<text>`; the app's id is authenticated with it. Makes the key at first use. */
  async encrypt(appId: string, plain: string): Promise<string> {
    const key = (await this.load(appId)) ?? (await this.create(appId));
    const iv = randomBytes(12);
    const cipher = createCipheriv(ALGORITHM, key, iv, TAG).setAAD(Buffer.from(appId));
    const text = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
    const parts = [iv, cipher.getAuthTag(), text].map((part) => part.toString('base64url'));
    return ['enc1', ...parts].join('.');
  }

  /** Throws `KeyMissingError` when the key was shredded. */
  async decrypt(appId: string, encrypted: string): Promise<string> {
    const key = await this.load(appId);
    if (key === undefined) throw new KeyMissingError(appId);
    const [scheme, iv, tag, text] = encrypted.split('.');
    if (scheme !== 'enc1' || iv === undefined || tag === undefined || text === undefined) {
      throw new Error(`config value of app ${appId} is not in the form enc1.iv.tag.text`);
    }
    const decipher = createDecipheriv(ALGORITHM, key, Buffer.from(iv, 'base64url'), TAG)
      .setAAD(Buffer.from(appId))
      .setAuthTag(Buffer.from(tag, 'base64url'));
    return (
      decipher.update(Buffer.from(text, 'base64url')).toString('utf8') + decipher.final('utf8')
    );
  }

  /** Deletes the key. On repetition nothing happens. */
  async shred(appId: string): Promise<void> {
    this.cache.delete(appId);
    await rm(this.file(appId), { force: true });
  }

  private file(appId: string): string {
    if (!ID_PATTERN.test(appId)) throw new Error('an app id is letters, digits, "_" and "-"');
    return join(this.directory, `${appId}.key`);
  }

  private async load(appId: string): Promise<Buffer | undefined> {
    const cached = this.cache.get(appId);
    if (cached !== undefined) return cached;
    try {
      const key = Buffer.from(await readFile(this.file(appId), 'utf8'), 'base64');
      this.cache.set(appId, key);
      return key;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  private async create(appId: string): Promise<Buffer> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    const file = this.file(appId);
    const fresh = `${file}.${randomBytes(6).toString('hex')}`;
    await writeFile(fresh, randomBytes(32).toString('base64'), { mode: 0o600, flush: true });
    // A second writer at the same moment must not replace the key: link fails where rename would not.
    try {
      await link(fresh, file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      await rm(fresh, { force: true });
    }
    // The name, too, is on disk before anything is encrypted with it: the log outlives a power cut, and
    // without its key what it holds would be lost for ever.
    await syncFolder(this.directory);
    const key = await this.load(appId);
    if (key === undefined) throw new KeyMissingError(appId);
    return key;
  }
}

const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};
