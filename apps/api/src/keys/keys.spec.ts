import { cp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { derivedPathsOf, pathsOf } from '@shiplog/runtime';
import { KeyMissingError, KeyStoreError, Keyring, MasterKey } from '@shiplog/secrets';
import { changesAfter } from '@shiplog/events/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApi } from '../index.js';
import { startTestApi, type TestApi } from '../testing/start-test-api.js';

let api: TestApi;
beforeAll(async () => (api = await startTestApi()));
afterAll(() => api.stop());

interface Listed {
  readonly masterKey: { readonly id: string; readonly file: string };
  readonly rotatingTo: string | null;
  readonly keys: readonly { readonly id: string; readonly masterKeyId: string }[];
}
const listed = async (): Promise<Listed> =>
  (await api.call('get', '/v1/keys').expect(200)).body as Listed;
const created = async (name: string, value: string): Promise<string> => {
  const { body } = await api.call('post', '/v1/apps').send({ name }).expect(201);
  await api
    .call('patch', `/v1/apps/${name}/config`)
    .send({ set: { SECRET: value } })
    .expect(200);
  return String(body.id);
};
const secretOf = async (name: string): Promise<unknown> =>
  (await api.call('get', `/v1/apps/${name}/config/SECRET`).expect(200)).body.value;

describe('keys', () => {
  it('are listed for administrators: ids and ages, and no material', async () => {
    const id = await created('listed', 'v');
    const { body, text } = await api.call('get', '/v1/keys').expect(200);
    expect(body.keys).toContainEqual({
      ...{ kind: 'app', id, name: 'listed', masterKeyId: body.masterKey.id },
      createdAt: expect.stringMatching(/^20/),
    });
    const master = await readFile((body as Listed).masterKey.file, 'utf8');
    const seed = /"seeds":\[\["[01]*","([^"]+)"/.exec(master)?.[1] ?? '';
    expect(seed).toHaveLength(44);
    expect(text).not.toContain(seed);
    await api.call('get', '/v1/keys', await api.addUser('bob')).expect(403);
    await api
      .call('post', '/v1/keys/rotate', await api.addUser('eve'))
      .send({})
      .expect(403);
  });
});

describe('rotating the master key', () => {
  it('wraps every key anew, in the name of who asked, and once for one request', async () => {
    await created('rotated', 'before');
    const before = await listed();
    const people = () =>
      new Keyring(pathsOf(api.home).personKeys, new MasterKey(before.masterKey.file), 'person');
    const sealed = await people().encrypt('ann', '10.0.0.1');
    const rotate = () =>
      api
        .call('post', '/v1/keys/rotate')
        .set('Idempotency-Key', 'once')
        .set('Shiplog-Reason', 'yearly')
        .send({});
    const { body } = await rotate().expect(200);
    expect(body).toMatchObject({ done: true, previousMasterKeyId: before.masterKey.id });
    const after = await listed();
    expect(after.masterKey.id).toBe(body.masterKeyId);
    expect(after.masterKey.id).not.toBe(before.masterKey.id);
    expect(after.rotatingTo).toBeNull();
    expect(after.keys.every(({ masterKeyId }) => masterKeyId === after.masterKey.id)).toBe(true);
    expect(await secretOf('rotated')).toBe('before');
    // Those of people with them, whose values go on opening, too.
    expect(after.keys).toContainEqual(
      expect.objectContaining({ kind: 'person', id: 'ann', name: null }),
    );
    expect(body.keys).toBe(after.keys.length);
    expect(await people().decrypt('ann', sealed)).toBe('10.0.0.1');

    await rotate().expect(200);
    expect((await listed()).masterKey.id).toBe(after.masterKey.id);
    const commits = (await api.platform.api.log.read('keys.master')).map(({ commit }) => commit);
    expect(commits.map(({ events }) => events[0]?.type)).toEqual([
      'MasterKeyRotationRequested',
      'MasterKeyRotated',
    ]);
    expect(commits[1]).toMatchObject({ actor: { name: 'admin' }, reason: 'yearly' });
    expect(commits[1]?.events[0]?.data).toEqual({
      keyId: after.masterKey.id,
      previousKeyId: before.masterKey.id,
      keys: after.keys.length,
    });
  });

  it('is refused before anything is asked for when a key is damaged', async () => {
    const id = await created('damaged', 'v');
    const file = join(pathsOf(api.home).keys, `${id}.key`);
    const whole = await readFile(file, 'utf8');
    await writeFile(file, whole.replace(/"wrapped":"./, '"wrapped":"~'));
    const head = await api.platform.api.log.head();
    const refused = await api.call('post', '/v1/keys/rotate').send({}).expect(503);
    expect(refused.body).toMatchObject({ code: 'key-store-unusable' });
    expect(refused.body.detail).toContain(`${id}.key`);
    const changes = await changesAfter(api.platform.api.log, head);
    expect(changes.filter(({ commit }) => commit.actor.kind === 'user')).toEqual([]);
    await writeFile(file, whole);
    expect(await secretOf('damaged')).toBe('v');
  });
});

describe('apps destroy', () => {
  it('shreds the key: log, SQL and an earlier copy of the keys with the master key of today give nothing', async () => {
    const canary = 'canary-of-the-destroyed-app';
    const id = await created('doomed', canary);
    const neighbour = await created('neighbour', 'still here');
    const { keys } = pathsOf(api.home);
    const { database } = derivedPathsOf({ home: api.home, eventLog: { kind: 'jetstream' } });
    const copy = join(api.home, 'copy-of-keys');
    await cp(keys, copy, { recursive: true });
    const { state } = api.platform.api.world.get('app', id);
    const encrypted = state.status === 'active' ? (state.config['SECRET'] ?? '') : '';
    const living = api.platform.api.world.app(neighbour)?.config['SECRET'] ?? '';

    await api.call('delete', '/v1/apps/doomed?confirm=doomed').expect(200);
    await expect.poll(() => readdir(keys)).not.toContain(`${id}.key`);

    const master = new MasterKey((await listed()).masterKey.file);
    for (const folder of [keys, copy]) {
      const keyring = new Keyring(folder, master);
      await expect(keyring.decrypt(id, encrypted)).rejects.toThrow(KeyMissingError);
      expect(await keyring.decrypt(neighbour, living)).toBe('still here');
    }
    const log = JSON.stringify(await api.platform.api.log.readAfter('0'.repeat(20), 10_000));
    expect(log).toContain(encrypted);
    expect(log).not.toContain(canary);
    for (const file of [database, `${database}-wal`]) {
      expect((await readFile(file)).includes(canary)).toBe(false);
    }
  });
});

describe('a start without the master key', () => {
  it('is refused, says what to do, and makes no new one', async () => {
    const { masterKey } = await listed();
    const bytes = await readFile(masterKey.file);
    await rm(masterKey.file);
    const failed = await startApi(api.platform.api).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(KeyStoreError);
    expect(String(failed)).toContain(`the master key file ${masterKey.file} is missing`);
    expect(await readdir(join(masterKey.file, '..'))).toEqual([]);
    await writeFile(masterKey.file, bytes, { mode: 0o600 });
  });
});
