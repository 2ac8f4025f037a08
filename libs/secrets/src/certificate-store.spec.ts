import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KeyStoreError } from './errors.js';
import { platformKeyStore } from './key-store.js';
import { selfSigned } from './self-signed.js';

const FINGERPRINT = 'ab'.repeat(32);
const OTHER = 'cd'.repeat(32);
let home: string;
beforeEach(async () => (home = await mkdtemp(join(tmpdir(), 'shiplog-certificates-'))));
afterEach(() => rm(home, { recursive: true, force: true }));

const opened = () => {
  const at = (name: string): string => join(home, name);
  return platformKeyStore({
    masterKeyFile: at('master.key'),
    keys: at('keys'),
    personKeys: at('people'),
    platformKeys: at('platform'),
    certificates: at('certificates'),
  });
};
const stored = { chain: 'CHAIN', privateKey: 'the secret key' };
const file = () => join(home, 'certificates', `${FINGERPRINT}.json`);

describe('certificates in the key store', () => {
  it('come back as they were, and their keys are not to be read in the file', async () => {
    await opened().certificates.save(FINGERPRINT, stored);
    expect(await opened().certificates.load(FINGERPRINT)).toEqual(stored);
    const text = await readFile(file(), 'utf8');
    expect(text).toContain('CHAIN');
    expect(text).not.toContain('secret');
    expect((await stat(file())).mode & 0o777).toBe(0o600);
    expect(await opened().certificates.load(OTHER)).toBeUndefined();
  });

  it('open after the master key was replaced', async () => {
    const { certificates, store } = opened();
    await certificates.save(FINGERPRINT, stored);
    expect(await store.rotate('another')).toBe(1);
    expect(await opened().certificates.load(FINGERPRINT)).toEqual(stored);
  });

  it('say so when they are damaged', async () => {
    const { certificates } = opened();
    await certificates.save(FINGERPRINT, stored);
    await writeFile(file(), '{"v":1}');
    await expect(certificates.load(FINGERPRINT)).rejects.toThrow(KeyStoreError);
  });

  it('go when nothing names them any more and they are old enough; accounts stay', async () => {
    const { certificates } = opened();
    for (const name of [FINGERPRINT, OTHER]) await certificates.save(name, stored);
    await certificates.accountKey(OTHER, () => Promise.resolve('key'));
    await certificates.sweep(() => false, Date.now() - 60_000);
    expect(await readdir(join(home, 'certificates'))).toHaveLength(3);
    await certificates.sweep((one) => one === OTHER, Date.now() + 60_000);
    expect((await readdir(join(home, 'certificates'))).toSorted()).toEqual([
      `account-${OTHER}.json`,
      `${OTHER}.json`,
    ]);
  });

  it('stay when they were brought again just now, however old their files are', async () => {
    const { certificates } = opened();
    await certificates.save(FINGERPRINT, stored);
    await utimes(file(), new Date(0), new Date(0));
    await certificates.save(FINGERPRINT, stored);
    await certificates.sweep(() => false, Date.now() - 60_000);
    expect(await certificates.load(FINGERPRINT)).toEqual(stored);
  });

  it('have one account key, whoever asks first', async () => {
    const keyOf = (made: string) =>
      opened().certificates.accountKey(FINGERPRINT, () => Promise.resolve(made));
    const [one, two] = await Promise.all([keyOf('one'), keyOf('two')]);
    expect(two).toBe(one);
    expect(await keyOf('three')).toBe(one);
  });
});

describe('a self-signed certificate', () => {
  it('names its hosts and belongs to its key', async () => {
    const { chain, privateKey } = await selfSigned({
      names: ['a.example.com', '*.b.example.com'],
      notBefore: new Date('2026-01-01'),
      notAfter: new Date('2027-01-01'),
    });
    const certificate = new X509Certificate(chain);
    expect(certificate.subjectAltName).toBe('DNS:a.example.com, DNS:*.b.example.com');
    expect(certificate.checkPrivateKey(createPrivateKey(privateKey))).toBe(true);
  });
});
