import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from './testing/client.js';
import { startInstance } from './testing/test-instance.js';
import { testPlatform, type TestPlatform } from './testing/test-platform.js';

const PORT = 5610;
const one = { host: 'one.localhost' };

describe('routes of a real HAProxy', () => {
  let platform: TestPlatform;
  beforeAll(async () => {
    platform = await testPlatform(PORT);
    await platform.start();
  });
  afterAll(() => platform.close());

  it('answers 404 for a host that nobody has, and 503 for an app without instance', async () => {
    await platform.createApp('one');
    expect(await ask(PORT, { host: 'nobody.localhost' })).toMatchObject({ status: 404 });
    await expect
      .poll(() => ask(PORT, one))
      .toMatchObject({ status: 503, headers: { 'retry-after': '5' } });
  });

  it('routes an instance when it is ready, and records that', async () => {
    const instance = await startInstance('i1', 22001);
    await platform.ready('one', 'i1', instance.port);
    await platform.recorded('i1', 'routed');
    expect(await ask(PORT, one)).toMatchObject({ status: 200, body: 'i1' });
  });

  it('takes a retired instance out, drains it, and records both', async () => {
    await startInstance('i2', 22002);
    await platform.ready('one', 'i2', 22002);
    await platform.recorded('i2', 'routed');
    const slow = ask(PORT, { ...one, path: '/slow?ms=1000' });
    const slower = ask(PORT, { ...one, path: '/slow?ms=1000' });
    await platform.retire('i1');
    await platform.recorded('i1', 'unrouted');
    expect((await ask(PORT, one)).body).toBe('i2');
    expect((await Promise.all([slow, slower])).map(({ status }) => status)).toEqual([200, 200]);
    await platform.recorded('i1', 'drained');
  });
});
