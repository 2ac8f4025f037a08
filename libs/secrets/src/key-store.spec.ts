import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, readdir, rename, rm, writeFile, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KeyMissingError, KeyStoreError } from './errors.js';
import { KeyStore } from './key-store.js';
import { Keyring } from './keyring.js';
import { MasterKey } from './master-key.js';

let home: string;
beforeEach(async () => (home = await mkdtemp(join(tmpdir(), 'shiplog-store-'))));
afterEach(() => rm(home, { recursive: true }));

const masterFile = (): string => join(home, 'master', 'master.key');
/** The key store as a process has it that was just started. */
const started = (fault?: (point: string) => void) => {
  const master = new MasterKey(masterFile(), fault === undefined ? {} : { fault });
  const apps = new Keyring(join(home, 'keys'), master);
  const people = new Keyring(join(home, 'people'), master, 'person');
  return { master, apps, people, store: new KeyStore(master, [apps, people]) };
};

/** Ends at the nth step, as a process that was killed there. */
const killedAt = (n: number) => {
  let steps = 0;
  return (point: string): void => {
    steps += 1;
    if (steps === n) throw new Error(`killed at ${point}`);
  };
};

const IDS = ['a1', 'a2', 'a3'];
const encryptAll = async (): Promise<Map<string, string>> => {
  const { apps, people, store } = started();
  await store.open();
  const values = new Map<string, string>();
  for (const id of IDS) values.set(id, await apps.encrypt(id, `value of ${id}`));
  values.set('person', await people.encrypt('ann', 'value of person'));
  return values;
};
const expectAllReadable = async (values: ReadonlyMap<string, string>): Promise<void> => {
  const { apps, people } = started();
  for (const [id, text] of values) {
    const plain = await (id === 'person' ? people.decrypt('ann', text) : apps.decrypt(id, text));
    expect(plain).toBe(`value of ${id}`);
  }
};

describe('a rotation', () => {
  it('wraps every key anew and forgets the old master key', async () => {
    const values = await encryptAll();
    const before = await readFile(masterFile(), 'utf8');
    const [old] = await started().master.facts();
    const oldKeys = await readFile(join(home, 'keys', 'a1.key'), 'utf8');
    const running = started();
    for (const id of IDS) await running.apps.decrypt(id, values.get(id) ?? '');

    expect(await started().store.rotate('mk_new')).toBe(4);

    await expectAllReadable(values);
    const [now, ...rest] = await started().master.facts();
    expect(now?.id).toBe('mk_new');
    expect(rest).toEqual([]);
    // A process that runs follows, for keys that it has not read yet as well.
    running.apps.forget('a1');
    expect(await running.apps.decrypt('a1', values.get('a1') ?? '')).toBe('value of a1');
    const keys = await started().apps.list();
    expect(keys.every(({ masterKeyId }) => masterKeyId === 'mk_new')).toBe(true);
    // The old master key opens nothing of today, the new one nothing of before.
    await writeFile(masterFile(), before);
    await expect(started().apps.decrypt('a1', values.get('a1') ?? '')).rejects.toThrow('mk_new');
    await writeFile(join(home, 'keys', 'a1.key'), oldKeys);
    expect(await started().apps.decrypt('a1', values.get('a1') ?? '')).toBe('value of a1');
    expect(old?.id).not.toBe('mk_new');
  });

  it('may be cut short anywhere: all keys open, and the next start finishes it', async () => {
    for (let n = 1; ; n += 1) {
      await rm(home, { recursive: true });
      const values = await encryptAll();
      const failed = await started(killedAt(n))
        .store.rotate('mk_new')
        .then(() => undefined)
        .catch((error: unknown) => error);
      await expectAllReadable(values);
      const { store, master, apps } = started();
      await store.open();
      await expectAllReadable(values);
      expect((await master.facts()).map(({ id }) => id)).toEqual(['mk_new']);
      expect((await apps.list()).map(({ masterKeyId }) => masterKeyId)).toEqual(
        IDS.map(() => 'mk_new'),
      );
      if (failed === undefined) {
        // master-key-added, four keys, keys-wrapped.
        expect(n).toBe(7);
        return;
      }
    }
  });

  it('of the same id again does nothing', async () => {
    await encryptAll();
    await started().store.rotate('mk_new');
    const text = await readFile(masterFile(), 'utf8');
    expect(await started().store.rotate('mk_new')).toBe(4);
    expect(await readFile(masterFile(), 'utf8')).toBe(text);
  });

  it('loses no key that is made meanwhile', async () => {
    await encryptAll();
    const { store, apps } = started();
    const rotating = store.rotate('mk_new');
    const made = await Promise.all(
      Array.from({ length: 20 }, (_, i) => apps.encrypt(`new${i}`, 'value')),
    );
    await rotating;
    const later = started();
    for (const [i, text] of made.entries()) {
      expect(await later.apps.decrypt(`new${i}`, text)).toBe('value');
    }
  });

  it('stops before it forgets the old master key when a key does not open', async () => {
    const values = await encryptAll();
    const file = join(home, 'keys', 'a2.key');
    const whole = await readFile(file, 'utf8');
    await writeFile(file, whole.replace(/"wrapped":"./, '"wrapped":"~'));
    await expect(started().store.rotate('mk_new')).rejects.toMatchObject({
      trouble: 'key-damaged',
    });
    await writeFile(file, whole);
    await expectAllReadable(values);
  });
});

describe('shredding', () => {
  it('may be cut short: what was begun is finished by the next one', async () => {
    const values = await encryptAll();
    const file = join(home, 'keys', 'a1.key');
    const whole = await readFile(file, 'utf8');
    // The file is back, as if the process had ended before it was removed.
    await started(killedAt(1))
      .apps.shred('a1')
      .catch(() => undefined);
    await writeFile(file, whole);
    await expect(started().apps.decrypt('a1', values.get('a1') ?? '')).rejects.toThrow(
      KeyMissingError,
    );
    await started().apps.shred('a1');
    expect(await readdir(join(home, 'keys'))).toEqual(['a2.key', 'a3.key']);
    values.delete('a1');
    await expectAllReadable(values);
  });

  it('where the master key cannot be changed makes the key unreadable here, and the next attempt cuts it out', async () => {
    const values = await encryptAll();
    const keyFile = join(home, 'keys', 'a1.key');
    const copy = await readFile(keyFile, 'utf8');
    // Can be read, and not replaced: no name beside it is short enough.
    const stuck = join(home, 'master', 'm'.repeat(250));
    const nowhere = join(home, 'nowhere', 'master.key');
    for (const [place, trouble] of [
      [stuck, 'master-key-read-only'],
      [nowhere, 'master-key-missing'],
    ] as const) {
      await writeFile(keyFile, copy);
      await rename(masterFile(), stuck);
      const keyring = new Keyring(join(home, 'keys'), new MasterKey(place));
      await expect(keyring.shred('a1')).rejects.toMatchObject({ trouble });
      await rename(stuck, masterFile());

      const { apps, store } = started();
      await store.open();
      await expect(apps.decrypt('a1', values.get('a1') ?? '')).rejects.toThrow(KeyMissingError);
      await expect(apps.encrypt('a1', 'value')).rejects.toThrow(KeyMissingError);
      expect((await apps.list()).map(({ id }) => id)).toEqual(['a2', 'a3']);
    }
    await started().store.requireRotatable();

    await started().apps.shred('a1');
    expect(await readdir(join(home, 'keys'))).toEqual(['a2.key', 'a3.key']);
    await writeFile(keyFile, copy);
    await expect(started().apps.decrypt('a1', values.get('a1') ?? '')).rejects.toThrow(
      KeyMissingError,
    );
    values.delete('a1');
    await expectAllReadable(values);
  });

  it('does not make the master key grow for what has no key any more', async () => {
    await encryptAll();
    const { store, apps } = started();
    await apps.shred('a1');
    await store.rotate('mk_new');
    const text = await readFile(masterFile(), 'utf8');
    await apps.shred('a1');
    expect(await readFile(masterFile(), 'utf8')).toBe(text);
  });
});

describe('opening', () => {
  it('wraps what earlier versions left unwrapped, wherever a crash cut it short', async () => {
    for (let n = 1; ; n += 1) {
      await rm(home, { recursive: true });
      await mkdir(join(home, 'keys'), { recursive: true });
      const raw = new Map(IDS.map((id) => [id, randomBytes(32).toString('base64')]));
      for (const [id, text] of raw) await writeFile(join(home, 'keys', `${id}.key`), text);
      // As a process of an earlier version, killed while it made a key, left it.
      await writeFile(join(home, 'keys', 'a9.key.0123456789ab'), raw.get('a1') ?? '');
      const before = new Map<string, string>();
      const earlier = started().apps;
      for (const id of IDS) before.set(id, await earlier.encrypt(id, `value of ${id}`));
      expect(await readdir(home)).toEqual(['keys']);

      const failed = await started(killedAt(n))
        .store.open()
        .catch((error: unknown) => error);
      await expectAllReadable(before);
      await started().store.open();
      await expectAllReadable(before);
      const names = await readdir(join(home, 'keys'));
      expect(names).toEqual(IDS.map((id) => `${id}.key`));
      for (const name of names) {
        const text = await readFile(join(home, 'keys', name), 'utf8');
        for (const secret of raw.values()) expect(text).not.toContain(secret);
      }
      if (failed === undefined) {
        expect(n).toBe(5);
        return;
      }
    }
  });

  it('makes no new master key in the place of one that is lost, and changes nothing', async () => {
    await encryptAll();
    await rm(masterFile());
    const failed = await started()
      .store.open()
      .catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(KeyStoreError);
    expect(failed).toMatchObject({ trouble: 'master-key-missing' });
    await expect(started().apps.encrypt('a4', 'value')).rejects.toThrow('missing');
    expect(await readdir(join(home, 'master'))).toEqual([]);
    expect(await readdir(join(home, 'keys'))).toEqual(IDS.map((id) => `${id}.key`));
  });

  it('goes on beside a single key of another master key', async () => {
    const values = await encryptAll();
    const foreign = (await readFile(join(home, 'keys', 'a1.key'), 'utf8')).replace(
      /mk_\w+/,
      'mk_x',
    );
    await writeFile(join(home, 'keys', 'a1.key'), foreign);
    await started().store.open();
    await started().store.rotate('mk_new');
    await expect(started().apps.decrypt('a1', values.get('a1') ?? '')).rejects.toThrow('mk_x');
    values.delete('a1');
    await expectAllReadable(values);
  });
});
