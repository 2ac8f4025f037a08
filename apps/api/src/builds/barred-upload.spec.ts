import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openShiplogClient, type ShiplogClient } from '@shiplog/api-client';
import { pathsOf } from '@shiplog/runtime';
import { startTestApi, type TestApi } from '../testing/start-test-api.js';

let api: TestApi;
let client: ShiplogClient;
beforeAll(async () => {
  api = await startTestApi();
  client = await openShiplogClient({ url: api.url, token: api.token });
  await api.deployed('barred');
  await client.locks.lock('barred', {}, { reason: 'audit' });
});
afterAll(() => api.stop());

const MB = 1024 * 1024;
const start = Buffer.alloc(MB);
start.write('ustar', 257);

/** An archive that is made while it is sent, and how many were begun. */
let begun = 0;
const archive = (megabytes: number) => (): Readable => {
  begun += 1;
  return Readable.from(
    (function* () {
      yield start;
      for (let n = 1; n < megabytes; n += 1) yield Buffer.alloc(MB, n);
    })(),
  );
};
const isAnyStored = () => existsSync(pathsOf(api.home).sources);

it.each([8, 200])('an upload of %i MB to a locked app gets the answer, at once', async (size) => {
  begun = 0;
  const sending = client.builds.uploadSource('barred', archive(size), { gzip: false });
  await expect(sending).rejects.toMatchObject({
    status: 423,
    code: 'app-locked',
    message: expect.stringMatching(/locked by admin since .*: audit\. .*--override-lock/) as string,
  });
  expect(begun).toBe(1);
  expect(isAnyStored()).toBe(false);
});

it('is in the audit with who sent it', async () => {
  const refused = async (): Promise<unknown> =>
    (await api.call('get', '/v1/audit?app=barred&outcome=rejected')).body.entries;
  await expect
    .poll(refused)
    .toMatchObject([{ actor: 'admin', code: 'app-locked', actions: ['uploadSource'], count: 2 }]);
});

it('is taken where the lock is put aside', async () => {
  const taken = await client.builds.uploadSource('barred', archive(2), {
    ...{ gzip: false, reason: 'the site is down', override: ['lock'] },
  });
  const bytes = Buffer.concat([start, Buffer.alloc(MB, 1)]);
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  expect(taken).toEqual({ digest, bytes: 2 * MB });
  expect(isAnyStored()).toBe(true);
});
