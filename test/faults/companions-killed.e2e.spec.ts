import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callApi } from '../support/api.js';
import { TestPlatform } from '../support/platform.js';
import { deployed } from '../support/repository.js';
import { waitFor } from '../support/wait.js';

/** nats-server and HAProxy are programs of their own: whatever ends one, the control plane starts it again. */
describe('a companion killed under a running control plane', () => {
  let platform: TestPlatform;
  beforeAll(async () => {
    platform = await TestPlatform.start({ name: 'companions' });
    await (await deployed(platform, 'hello', 'node-hello')).remove();
  });
  afterAll(() => platform.destroy());

  const pidsOf = async (which: RegExp): Promise<readonly number[]> =>
    (await platform.daemons(which)).map(({ pid }) => pid);
  const healthOf = async (path: string): Promise<number> =>
    fetch(`${platform.apiUrl}${path}`).then(
      (answer) => answer.status,
      () => 0,
    );
  const create = async (name: string): Promise<number> => {
    const answer = await fetch(`${platform.apiUrl}/v1/apps`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${await platform.token()}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ name }),
    });
    return answer.status;
  };

  it('nats-server: apps serve on, changes are refused or done, and everything goes on', async () => {
    const controlPlane = platform.pid;
    const before = await pidsOf(/nats-server/);
    expect(before).toHaveLength(1);
    await platform.killDaemons(/nats-server/);
    const meanwhile = [await create('meanwhile'), (await platform.get('hello')).status];
    expect(meanwhile[1]).toBe(200);
    expect([201, 503]).toContain(meanwhile[0]);

    await waitFor('another nats-server', async () => {
      const now = await pidsOf(/nats-server/);
      return now.length === 1 && now[0] !== before[0];
    });
    await waitFor('the platform to be ready', async () => (await healthOf('/readyz')) === 200);
    expect(await healthOf('/healthz')).toBe(200);

    await platform.json(['scale', '-a', 'hello', 'web=2']);
    await platform.json(['config', 'set', '-a', 'hello', 'AFTER=the outage']);
    expect((await platform.get('hello')).status).toBe(200);
    const apps = await platform.json<readonly { name: string }[]>(['apps', 'list']);
    if (meanwhile[0] === 201) expect(apps.map(({ name }) => name)).toContain('meanwhile');
    expect(platform.pid).toBe(controlPlane);
  });

  it('nats-server, three times in a row', async () => {
    for (let round = 1; round <= 3; round += 1) {
      const [before] = await pidsOf(/nats-server/);
      await platform.killDaemons(/nats-server/);
      await waitFor('another nats-server', async () => {
        const [now] = await pidsOf(/nats-server/);
        return now !== undefined && now !== before;
      });
      await waitFor('a change to be taken', async () => (await create(`round-${round}`)) === 201);
    }
    const apps = await platform.json<readonly { name: string }[]>(['apps', 'list']);
    expect(apps.filter(({ name }) => name.startsWith('round-'))).toHaveLength(3);
  });

  it('nats-server, frozen: apps serve on, nobody waits for ever, and who asks again is told what happened', async () => {
    const [pid = 0] = await pidsOf(/nats-server/);
    const headers = { 'idempotency-key': 'asked-of-a-frozen-server' };
    const ask = () => callApi(platform, 'POST', '/v1/apps', { body: { name: 'frozen' }, headers });
    process.kill(pid, 'SIGSTOP');
    const askedAt = performance.now();
    const [told, served, health] = await Promise.all([
      ask(),
      platform.get('hello'),
      healthOf('/healthz'),
    ]).finally(() => process.kill(pid, 'SIGCONT'));
    expect(performance.now() - askedAt).toBeLessThan(11_000);
    expect(told.status).toBe(503);
    expect(told.body).toMatchObject({ code: 'outcome-unknown' });
    expect([served.status, health]).toEqual([200, 200]);

    await waitFor('the change to be taken', async () => (await ask()).status === 201);
    const apps = await platform.json<readonly { name: string }[]>(['apps', 'list']);
    expect(apps.filter(({ name }) => name === 'frozen')).toHaveLength(1);
  });

  it('HAProxy: is back with the same routes', async () => {
    const before = await pidsOf(/haproxy/);
    await platform.killDaemons(/haproxy/);
    await waitFor(
      'the app to answer again',
      async () => (await platform.get('hello').catch(() => undefined))?.status === 200,
      { everyMs: 20 },
    );
    const now = await pidsOf(/haproxy/);
    expect(now.filter((pid) => before.includes(pid))).toEqual([]);
  });
});
