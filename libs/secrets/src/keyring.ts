import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ID_PATTERN } from '@shiplog/events';
import { FRESH_FILE_PATTERN, createFile, removeFile, replaceFile } from './durable-file.js';
import { KeyMissingError, KeyStoreError } from './errors.js';
import {
  parseKeyFile,
  SHREDDING,
  textOfKeyFile,
  unwrap,
  wrap,
  type KeyFile,
  type WrappedKey,
} from './key-file.js';
import type { MasterKey } from './master-key.js';

const ALGORITHM = 'aes-256-gcm';
/** Said in so many words, or Node.js takes a tag cut down to 4 bytes for a proof. */
const TAG = { authTagLength: 16 } as const;
const EXTENSION = '.key';

/** What may be told of a key. */
export interface KeyFacts {
  /** Whose key it is. */
  readonly id: string;
  /** Null for one that an earlier version left as it is, or that is damaged. */
  readonly masterKeyId: string | null;
  readonly createdAt: string | null;
}

/**
 * One AES-256 key for each of many (apps, people), a file each, outside the log and outside SQL, wrapped by
 * the master key. Shredding one makes everything that was encrypted with it unreadable for ever, wherever
 * it was copied, and copies of its file, too.
 */
export class Keyring {
  private readonly cache = new Map<string, Buffer>();

  /** `of`: what the ids name. Part of what every key is wrapped under, so it never changes. */
  constructor(
    readonly directory: string,
    private readonly master: MasterKey,
    readonly of: string = 'app',
  ) {}

  /** `enc1.<iv>.<tag>.<text>`; the id is authenticated with it. Makes the key at first use. */
  async encrypt(id: string, plain: string): Promise<string> {
    const key = (await this.load(id)) ?? (await this.master.exclusively(() => this.create(id)));
    const iv = randomBytes(12);
    const cipher = createCipheriv(ALGORITHM, key, iv, TAG).setAAD(Buffer.from(id));
    const text = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
    const parts = [iv, cipher.getAuthTag(), text].map((part) => part.toString('base64url'));
    return ['enc1', ...parts].join('.');
  }

  /** Throws `KeyMissingError` when the key was shredded, `KeyStoreError` when the master key is not there. */
  async decrypt(id: string, encrypted: string): Promise<string> {
    const key = await this.load(id);
    if (key === undefined) throw new KeyMissingError(id, this.of);
    const [scheme, iv, tag, text] = encrypted.split('.');
    if (scheme !== 'enc1' || iv === undefined || tag === undefined || text === undefined) {
      throw new Error(`value of ${this.of} ${id} is not in the form enc1.iv.tag.text`);
    }
    const decipher = createDecipheriv(ALGORITHM, key, Buffer.from(iv, 'base64url'), TAG)
      .setAAD(Buffer.from(id))
      .setAuthTag(Buffer.from(tag, 'base64url'));
    return (
      decipher.update(Buffer.from(text, 'base64url')).toString('utf8') + decipher.final('utf8')
    );
  }

  /**
   * Cuts the key out of the master key, then deletes it: after that no copy of its file opens with today's
   * master key. On repetition nothing happens. Where the master key cannot be changed, `KeyStoreError`
   * says so: the key is gone from here, copies of it still open, and the next attempt knows.
   */
  async shred(id: string): Promise<void> {
    this.forget(id);
    await this.master.exclusively(async () => {
      if ((await this.read(id)) === undefined) return;
      try {
        await this.master.puncture(this.labelOf(id));
      } catch (error) {
        await replaceFile(this.file(id), SHREDDING);
        throw error;
      }
      this.master.fault('key-punctured');
      await removeFile(this.file(id));
    });
  }

  /** Drops it from memory. It is read again when it is needed. */
  forget(id: string): void {
    this.cache.delete(id);
  }

  /** Every key that there is, by id. */
  async list(): Promise<readonly KeyFacts[]> {
    const ids = await this.ids();
    const facts = ids.map(async (id): Promise<readonly KeyFacts[]> => {
      const file = await this.read(id);
      if (file?.kind === 'shredding') return [];
      return file?.kind === 'wrapped'
        ? [{ id, masterKeyId: file.wrapped.masterKeyId, createdAt: file.wrapped.createdAt }]
        : [{ id, masterKeyId: null, createdAt: null }];
    });
    return (await Promise.all(facts)).flat();
  }

  /** Removes what a crash left half-written: it may hold a key. */
  async sweep(): Promise<void> {
    for (const name of await this.names()) {
      if (FRESH_FILE_PATTERN.test(name)) await removeFile(join(this.directory, name));
    }
  }

  /** Throws `KeyStoreError` for a key that is damaged; those of another master key are not looked at. */
  async requireAllOpen(): Promise<void> {
    for (const id of await this.ids()) {
      const file = await this.read(id);
      if (file !== undefined && !(await this.isForeign(id, file))) await this.open(id);
    }
  }

  /**
   * Wraps anew, with the newest master key, what is wrapped with another or not at all. Each file is the old
   * one or the new one at any moment. Leaves what nothing here opens.
   */
  async wrapAnew(): Promise<void> {
    for (const id of await this.ids()) {
      const wrapped = await this.wrappedAnew(id);
      if (wrapped === undefined) continue;
      await replaceFile(this.file(id), textOfKeyFile(wrapped));
      this.master.fault('key-wrapped');
    }
  }

  private async wrappedAnew(id: string): Promise<WrappedKey | undefined> {
    const under = await this.master.wrappingKey(this.labelOf(id));
    const file = await this.read(id);
    if (under === undefined || (file?.kind !== 'wrapped' && file?.kind !== 'raw')) return undefined;
    const isCurrent = file.kind === 'wrapped' && file.wrapped.masterKeyId === under.masterKeyId;
    if (isCurrent || (await this.isForeign(id, file))) return undefined;
    const key = file.kind === 'raw' ? file.key : await this.unwrapped(id, file.wrapped);
    if (key === undefined) return undefined;
    const createdAt =
      file.kind === 'wrapped' ? file.wrapped.createdAt : new Date(this.master.now()).toISOString();
    return wrap(key, under, { label: this.labelOf(id), createdAt });
  }

  /** Wrapped with a master key that is not here. */
  private async isForeign(id: string, file: KeyFile): Promise<boolean> {
    if (file.kind !== 'wrapped') return false;
    const { masterKeyId } = file.wrapped;
    return (await this.master.unwrappingKey(masterKeyId, this.labelOf(id))) === 'unknown';
  }

  private labelOf(id: string): string {
    return `${this.of} ${id}`;
  }

  private file(id: string): string {
    if (!ID_PATTERN.test(id)) throw new Error(`an ${this.of} id is letters, digits, "_" and "-"`);
    return join(this.directory, `${id}${EXTENSION}`);
  }

  private async names(): Promise<readonly string[]> {
    return readdir(this.directory).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
  }

  /** Whose key there is, or was not gone in the end. */
  async ids(): Promise<readonly string[]> {
    const names = await this.names();
    return names
      .filter((name) => name.endsWith(EXTENSION))
      .map((name) => name.slice(0, -EXTENSION.length))
      .filter((id) => ID_PATTERN.test(id))
      .toSorted();
  }

  private async read(id: string): Promise<KeyFile | undefined> {
    try {
      return parseKeyFile(await readFile(this.file(id), 'utf8'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  private async load(id: string): Promise<Buffer | undefined> {
    const key = this.cache.get(id) ?? (await this.open(id));
    if (key !== undefined) this.cache.set(id, key);
    return key;
  }

  private async open(id: string): Promise<Buffer | undefined> {
    const file = await this.read(id);
    if (file?.kind === 'wrapped') return this.unwrapped(id, file.wrapped);
    if (file?.kind === 'damaged') throw this.damaged(id);
    return file?.kind === 'raw' ? file.key : undefined;
  }

  /** Undefined for one that was cut out of the master key: its file came back from a copy. */
  private async unwrapped(id: string, wrapped: WrappedKey): Promise<Buffer | undefined> {
    const label = this.labelOf(id);
    const under = await this.master.unwrappingKey(wrapped.masterKeyId, label);
    if (under === 'gone') return undefined;
    if (under !== 'unknown') {
      const key = unwrap(wrapped, under, label);
      if (key === undefined) throw this.damaged(id);
      return key;
    }
    // The master key may have been replaced between the two reads: then the file was, too.
    const again = await this.read(id);
    if (again?.kind === 'wrapped' && again.wrapped.masterKeyId !== wrapped.masterKeyId) {
      return this.unwrapped(id, again.wrapped);
    }
    throw await this.notOurs(wrapped);
  }

  private damaged(id: string): KeyStoreError {
    return new KeyStoreError(
      'key-damaged',
      `the key file ${this.file(id)} does not open with the master key ${this.master.file}: one of them was changed. ` +
        'Restore both from the same backup',
    );
  }

  private async notOurs(wrapped: WrappedKey): Promise<KeyStoreError> {
    const { file } = this.master;
    const [current] = await this.master.facts();
    const needed = `keys in ${this.directory} are wrapped with master key ${wrapped.masterKeyId}`;
    return current === undefined
      ? new KeyStoreError(
          'master-key-missing',
          `the master key file ${file} is missing, and ${needed}. Put it back from where you keep a copy, or set ` +
            'SHIPLOG_MASTER_KEY_FILE to where it lies; without it nobody can read config values any more',
        )
      : new KeyStoreError(
          'master-key-other',
          `the master key file ${file} holds ${current.id}, but ${needed}. Put the file back that belongs to them, ` +
            'or restore keys and master key from the same backup',
        );
  }

  private async create(id: string): Promise<Buffer> {
    if ((await this.master.facts()).length === 0) await this.requireMasterKey();
    const label = this.labelOf(id);
    const under = await this.master.wrappingKey(label);
    // Cut out of the master key: what was shredded never gets a key again.
    if (under === undefined) throw new KeyMissingError(id, this.of);
    const createdAt = new Date(this.master.now()).toISOString();
    const wrapped = wrap(randomBytes(32), under, { label, createdAt });
    // On disk before anything is encrypted with it: the log outlives a power cut, and without its key what
    // it holds would be lost for ever.
    await createFile(this.file(id), textOfKeyFile(wrapped));
    const key = await this.load(id);
    if (key === undefined) throw new KeyMissingError(id, this.of);
    return key;
  }

  /** Makes the master key at the very first use; never in the place of one that is lost. */
  async requireMasterKey(): Promise<void> {
    const current = (await this.master.facts()).map(({ id }) => id);
    const files = await Promise.all((await this.ids()).map((id) => this.read(id)));
    const wrapped = files.flatMap((file) => (file?.kind === 'wrapped' ? [file.wrapped] : []));
    const [first] = wrapped;
    // Single keys of another master key are the trouble of their owners; if all are, this is not ours.
    if (first !== undefined && wrapped.every(({ masterKeyId }) => !current.includes(masterKeyId))) {
      throw await this.notOurs(first);
    }
    await this.master.ensure();
  }
}
