import { readdir, readFile, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { createFile, FRESH_FILE_PATTERN, removeFile } from './durable-file.js';
import { KeyStoreError } from './errors.js';
import type { Keyring } from './keyring.js';

/** What the keys of the platform itself are called in its keyring. */
const CERTIFICATES = 'certificates';
const EXTENSION = '.json';
const NAME = /^[0-9a-f]{64}$|^account-[0-9a-f]{64}$/;

export interface StoredCertificate {
  /** PEM: the certificate, then those that lead to its root. */
  readonly chain: string;
  /** PEM (PKCS #8). */
  readonly privateKey: string;
}

/**
 * Certificates with their private keys, a file each, by fingerprint; and the keys of ACME accounts. Private
 * keys are encrypted with the platform's own key, which the master key wraps. Nothing of it is in the log.
 */
export class CertificateStore {
  constructor(
    readonly directory: string,
    private readonly keyring: Keyring,
  ) {}

  /** Durable when it resolves. On repetition it is as new again: the log does not name it yet. */
  async save(fingerprint: string, { chain, privateKey }: StoredCertificate): Promise<void> {
    const sealed = await this.keyring.encrypt(CERTIFICATES, privateKey);
    const text = `${JSON.stringify({ v: 1, chain, privateKey: sealed })}\n`;
    const file = this.file(fingerprint);
    await createFile(file, text);
    const now = new Date();
    await utimes(file, now, now);
  }

  /** Undefined for one that is not here. Throws `KeyStoreError` where its file or key is damaged. */
  async load(fingerprint: string): Promise<StoredCertificate | undefined> {
    const file = this.file(fingerprint);
    const text = await textOf(file);
    if (text === undefined) return undefined;
    const { chain, privateKey } = parsed(file, text);
    return { chain, privateKey: await this.keyring.decrypt(CERTIFICATES, privateKey) };
  }

  /** Removes what `isKept` does not name and what is older than `beforeMs`: a crash may have left it. */
  async sweep(isKept: (fingerprint: string) => boolean, beforeMs: number): Promise<void> {
    const names = await readdir(this.directory).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    for (const name of names) {
      const file = join(this.directory, name);
      const fingerprint = name.replace(EXTENSION, '');
      if (
        name.startsWith('account-') ||
        !(name.endsWith(EXTENSION) || FRESH_FILE_PATTERN.test(name))
      )
        continue;
      if (isKept(fingerprint) || (await stat(file)).mtimeMs > beforeMs) continue;
      await removeFile(file);
    }
  }

  /** The key of the account at an ACME authority; made by `create` at first use, also by two at once. */
  async accountKey(name: string, create: () => Promise<string>): Promise<string> {
    const file = this.file(`account-${name}`);
    const known = await textOf(file);
    if (known === undefined) {
      const sealed = await this.keyring.encrypt(CERTIFICATES, await create());
      await createFile(file, `${JSON.stringify({ v: 1, chain: '', privateKey: sealed })}\n`);
    }
    const { privateKey } = parsed(file, known ?? (await readFile(file, 'utf8')));
    return this.keyring.decrypt(CERTIFICATES, privateKey);
  }

  private file(name: string): string {
    if (!NAME.test(name)) throw new Error('a fingerprint is 64 hexadecimal digits');
    return join(this.directory, `${name}${EXTENSION}`);
  }
}

const textOf = (file: string): Promise<string | undefined> =>
  readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });

const parsed = (file: string, text: string): StoredCertificate => {
  try {
    const { chain, privateKey } = JSON.parse(text) as Record<string, unknown>;
    if (typeof chain === 'string' && typeof privateKey === 'string') return { chain, privateKey };
  } catch {
    // Said below.
  }
  throw new KeyStoreError('key-damaged', `the certificate file ${file} is damaged: bring it again`);
};
