import { Agent } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rulesOf } from '../routes/traffic-rules.js';
import { ask } from '../testing/client.js';
import { startInstance, type TestInstance } from '../testing/test-instance.js';
import { removeProxy, testConfig } from '../testing/test-platform.js';
import { nginxPaths } from './files.js';
import { NginxRouter } from './nginx-router.js';
import { ensureNginx } from './process.js';

/** As `shiplog_rates.lua` has it. */
const VALUES_MAX = 4_000;
const CLIENTS = 32;

describe('a client that sends many values of the header that an app counts by', () => {
  let config: Awaited<ReturnType<typeof testConfig>>;
  let instance: TestInstance;
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
  const statusOf = async (app: string, headers: Record<string, string> = {}): Promise<number> =>
    (await ask(config.routerPort, { host: `${app}.localhost`, headers, agent })).status;

  beforeAll(async () => {
    config = await testConfig('nginx');
    const paths = nginxPaths(config, {});
    await ensureNginx(config, paths);
    instance = await startInstance('i', 0);
    const router = new NginxRouter(paths);
    const once = { requests: 1, per: 'minute', burst: 0 } as const;
    for (const [appId, by] of [
      ['keys', 'header:x-key'],
      ['other', 'header:x-key'],
      ['plain', 'address'],
    ] as const) {
      const endpoint = { instanceId: `${appId}-1`, appId, host: '127.0.0.1', weight: 1 };
      await router.apply([
        { kind: 'serve', endpoint: { ...endpoint, port: instance.port } },
        { kind: 'police', appId, rules: rulesOf({ rate: { ...once, by } }) },
        { kind: 'bind-host', host: `${appId}.localhost`, appId },
      ]);
    }
  });
  afterAll(async () => {
    agent.destroy();
    await removeProxy(config);
    await instance.kill();
  });

  it('is counted by its address in the end, and pushes out nobody of its own app or of another', async () => {
    const first = { 'x-key': 'first' };
    expect(await statusOf('keys', first)).toBe(200);
    expect(await statusOf('other', first)).toBe(200);
    expect(await statusOf('plain')).toBe(200);
    const seen = new Map<number, number>();
    let next = 0;
    const client = async (): Promise<void> => {
      while (next < VALUES_MAX + 200) {
        next += 1;
        const status = await statusOf('keys', { 'x-key': `value-${next}` });
        seen.set(status, (seen.get(status) ?? 0) + 1);
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
    // All that have one of their own, and one more of this address; those at once may be a few more.
    expect(seen.get(200)).toBeGreaterThanOrEqual(VALUES_MAX);
    expect(seen.get(200)).toBeLessThan(VALUES_MAX + CLIENTS);
    expect(seen.get(429)).toBeGreaterThan(100);
    for (const app of ['keys', 'other']) expect(await statusOf(app, first)).toBe(429);
    expect(await statusOf('plain')).toBe(429);
    expect(await statusOf('other', { 'x-key': 'second' })).toBe(200);
  }, 60_000);
});
