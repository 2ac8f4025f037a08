import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { START } from '@shiplog/events';
import { pathsOf } from '@shiplog/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../testing/start-test-api.js';

let api: TestApi;
let bob: string;
beforeAll(async () => {
  api = await startTestApi();
  bob = await api.addUser('bob');
  // Both have keys of their own already.
  await api.call('post', '/v1/apps').send({ name: 'admins' }).expect(201);
  await api.call('post', '/v1/apps', bob).send({ name: 'bobs' }).expect(201);
});
afterAll(() => api.stop());

const audit = async (query: string): Promise<{ entries: Record<string, unknown>[] }> => {
  const { body } = await api.call('get', `/v1/audit${query}`).expect(200);
  return body as { entries: Record<string, unknown>[] };
};

describe('erasing a person', () => {
  it('makes unreadable from where they called; the log keeps its bytes, and who did what', async () => {
    const carol = await api.addUser('carol');
    await api
      .call('post', '/v1/apps', carol)
      .set('User-Agent', 'carols-laptop')
      .send({ name: 'carols' })
      .expect(201);
    expect((await audit('?actor=carol')).entries[0]).toMatchObject({ userAgent: 'carols-laptop' });
    const before = await api.platform.api.log.readStored(START, 100_000);
    const keys = await readdir(join(pathsOf(api.home).personKeys));

    const erase = (body: object, token = api.token) =>
      api.call('post', '/v1/audit/erasures', token).send(body);
    await erase({ user: 'carol', confirm: 'carol' }, bob).expect(403);
    await erase({ user: 'nobody', confirm: 'nobody' }).expect(404);
    const mismatch = await erase({ user: 'carol', confirm: 'bob' }).expect(422);
    expect(mismatch.body.code).toBe('confirmation-mismatch');
    expect((await audit('?actor=carol')).entries[0]).toMatchObject({ address: '127.0.0.1' });

    const done = await erase({ user: 'carol', confirm: 'carol' })
      .set('Shiplog-Reason', 'asked%20by%20letter')
      .expect(200);
    expect(done.body).toMatchObject({ user: 'carol', userId: 'carol' });
    const { entries } = await audit('?actor=carol&app=carols');
    expect(entries[0]).toMatchObject({
      actor: 'carol',
      actions: ['AppCreated'],
      address: '[erased]',
      userAgent: '[erased]',
    });
    expect((await audit('?type=PersonErased')).entries[0]).toMatchObject({
      actor: 'admin',
      reason: 'asked by letter',
      target: 'user carol',
    });
    const after = await api.platform.api.log.readStored(START, 100_000);
    expect(after.slice(0, before.length)).toEqual(before);
    expect(await readdir(pathsOf(api.home).personKeys)).toHaveLength(keys.length - 1);

    await api
      .call('patch', '/v1/apps/carols/config', carol)
      .send({ set: { A: '1' } })
      .expect(200);
    expect((await audit('?actor=carol')).entries[0]).toMatchObject({ address: '127.0.0.1' });
  });
});
