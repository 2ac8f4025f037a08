import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KeyMissingError, KeyStoreError } from './errors.js';
import { Keyring } from './keyring.js';
import { MasterKey } from './master-key.js';

let home: string;
let directory: string;
let file: string;
let keyring: Keyring;
const newKeyring = (of?: string): Keyring => new Keyring(directory, new MasterKey(file), of);
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'shiplog-keys-'));
  directory = join(home, 'keys');
  file = join(home, 'master-key', 'master.key');
  keyring = newKeyring();
});
afterEach(() => rm(home, { recursive: true }));

describe('a keyring', () => {
  it('gives back what it encrypted, also after a restart, and never the same text twice', async () => {
    const [first, second] = [
      await keyring.encrypt('a1', 'geheim 🔑'),
      await keyring.encrypt('a1', ''),
    ];
    expect(await keyring.encrypt('a1', '')).not.toBe(second);
    const restarted = newKeyring();
    expect(await restarted.decrypt('a1', first)).toBe('geheim 🔑');
    expect(await restarted.decrypt('a1', second)).toBe('');
  });

  it('keeps one key of an app, whoever is first, for its owner only', async () => {
    const other = newKeyring();
    const [mine, theirs] = await Promise.all([
      keyring.encrypt('a1', 'mine'),
      other.encrypt('a1', 'theirs'),
    ]);
    expect(await keyring.decrypt('a1', theirs)).toBe('theirs');
    expect(await other.decrypt('a1', mine)).toBe('mine');
    expect(await readdir(directory)).toEqual(['a1.key']);
    expect(await readdir(join(home, 'master-key'))).toEqual(['master.key']);
    for (const secret of [join(directory, 'a1.key'), file]) {
      expect((await stat(secret)).mode & 0o777).toBe(0o600);
    }
    for (const folder of [directory, join(home, 'master-key')]) {
      expect((await stat(folder)).mode & 0o777).toBe(0o700);
    }
  });

  it('takes no value of another app, and none that was altered or cut', async () => {
    const encrypted = await keyring.encrypt('a1', 'value');
    await keyring.encrypt('a2', 'value');
    await expect(keyring.decrypt('a2', encrypted)).rejects.toThrow();
    const [scheme, iv, tag, text] = encrypted.split('.') as [string, string, string, string];
    const shortTag = Buffer.from(tag, 'base64url').subarray(0, 4).toString('base64url');
    const otherText = Buffer.from('other').toString('base64url');
    for (const forged of [
      [scheme, iv, shortTag, text],
      [scheme, iv, tag, otherText],
      ['enc2', iv, tag, text],
      [scheme, iv, tag],
    ]) {
      await expect(keyring.decrypt('a1', forged.join('.'))).rejects.toThrow();
    }
  });

  it('can read nothing of an app whose key was shredded, and never gives it another key', async () => {
    const encrypted = await keyring.encrypt('a1', 'value');
    await keyring.shred('a1');
    await keyring.shred('a1');
    await expect(keyring.decrypt('a1', encrypted)).rejects.toThrow(KeyMissingError);
    await expect(keyring.encrypt('a1', 'again')).rejects.toThrow(KeyMissingError);
    expect(await readdir(directory)).toEqual([]);
  });

  it('makes no file for an id that is a path', async () => {
    await expect(keyring.encrypt('../a1', 'value')).rejects.toThrow('an app id is');
  });

  it('keeps keys of people and of apps apart, also where their ids are the same', async () => {
    const people = new Keyring(join(home, 'people'), new MasterKey(file), 'person');
    const ofApp = await keyring.encrypt('x', 'app');
    const ofPerson = await people.encrypt('x', 'person');
    await people.shred('x');
    expect(await newKeyring().decrypt('x', ofApp)).toBe('app');
    await expect(people.decrypt('x', ofPerson)).rejects.toThrow('the key of person x');
  });
});

describe('a copy of the key store', () => {
  /** What somebody copied before: opened with the master key of today, as an attacker would. */
  const copied = new Map<string, Buffer>();
  const copy = async (): Promise<void> => {
    copied.clear();
    for (const name of await readdir(directory)) {
      copied.set(name, await readFile(join(directory, name)));
    }
  };
  const putBack = async (): Promise<void> => {
    for (const [name, bytes] of copied) await writeFile(join(directory, name), bytes);
  };

  it('opens no shredded key with the master key of today, and every other one', async () => {
    const gone = await keyring.encrypt('gone', 'value');
    const lives = await keyring.encrypt('lives', 'value');
    await copy();
    await keyring.shred('gone');
    await putBack();
    const restored = newKeyring();
    expect(await restored.decrypt('lives', lives)).toBe('value');
    await expect(restored.decrypt('gone', gone)).rejects.toThrow(KeyMissingError);
  });

  it('of the master key opens keys that were made after it', async () => {
    await keyring.encrypt('first', 'value');
    const older = await readFile(file);
    const later = await keyring.encrypt('later', 'value');
    await keyring.shred('first');
    await writeFile(file, older);
    expect(await newKeyring().decrypt('later', later)).toBe('value');
  });

  it('is of no use without the master key', async () => {
    const encrypted = await keyring.encrypt('a1', 'value');
    await rm(file);
    const failed = await newKeyring()
      .decrypt('a1', encrypted)
      .catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(KeyStoreError);
    expect(failed).toMatchObject({ trouble: 'master-key-missing' });
    expect(String(failed)).toContain(file);
    expect(String(failed)).toContain('SHIPLOG_MASTER_KEY_FILE');
  });

  it('with another master key says which one it needs', async () => {
    const encrypted = await keyring.encrypt('a1', 'value');
    const [needed] = await new MasterKey(file).facts();
    await rm(file);
    await new MasterKey(file).ensure();
    const failed = await newKeyring()
      .decrypt('a1', encrypted)
      .catch((error: unknown) => error);
    expect(failed).toMatchObject({ trouble: 'master-key-other' });
    expect(String(failed)).toContain(needed?.id);
  });
});

describe('a key file', () => {
  it('of another app, put in the place of one, opens nothing', async () => {
    const encrypted = await keyring.encrypt('a1', 'value');
    await keyring.encrypt('a2', 'value');
    await writeFile(join(directory, 'a1.key'), await readFile(join(directory, 'a2.key')));
    await expect(newKeyring().decrypt('a1', encrypted)).rejects.toMatchObject({
      trouble: 'key-damaged',
    });
  });

  it('that was cut or altered is named, and no other key takes its place', async () => {
    const encrypted = await keyring.encrypt('a1', 'value');
    const whole = await readFile(join(directory, 'a1.key'), 'utf8');
    for (const text of ['', whole.slice(0, 40), whole.replace(/"wrapped":"./, '"wrapped":"~')]) {
      await writeFile(join(directory, 'a1.key'), text);
      const failed = await newKeyring()
        .decrypt('a1', encrypted)
        .catch((error: unknown) => error);
      expect(failed).toMatchObject({ trouble: 'key-damaged' });
      expect(String(failed)).toContain('a1.key');
      await expect(newKeyring().encrypt('a1', 'new')).rejects.toThrow(KeyStoreError);
    }
  });

  it('of an earlier version is read as it is', async () => {
    const encrypted = await keyring.encrypt('a1', 'value');
    expect(encrypted).toMatch(/^enc1\./);
    const raw = randomBytes(32).toString('base64');
    await writeFile(join(directory, 'old.key'), raw);
    const ofOld = await keyring.encrypt('old', 'value');
    expect(await newKeyring().decrypt('old', ofOld)).toBe('value');
    expect(await readFile(join(directory, 'old.key'), 'utf8')).toBe(raw);
  });
});

describe('a master key file', () => {
  it('that is damaged is not overwritten, and what is in it is not told', async () => {
    await keyring.encrypt('a1', 'value');
    const text = (await readFile(file, 'utf8')).slice(0, -20);
    await writeFile(file, text);
    const failed = await newKeyring()
      .encrypt('a2', 'value')
      .catch((error: unknown) => error);
    expect(failed).toMatchObject({ trouble: 'master-key-damaged' });
    expect(String(failed)).not.toContain(text.slice(90, 110));
    expect(await readFile(file, 'utf8')).toBe(text);
  });
});
