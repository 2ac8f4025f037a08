import { mkdir, writeFile } from 'node:fs/promises';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { addressPrefixes } from '../routes/notice.js';
import { routerPaths } from '../routes/router-paths.js';
import type { RouteAction } from '../routes/router.port.js';
import { rulesOf } from '../routes/traffic-rules.js';
import { ask } from '../testing/client.js';
import { startInstance } from '../testing/test-instance.js';
import { removeProxy, testConfig } from '../testing/test-platform.js';
import { FILES } from './file-names.js';
import { HaproxyRouter } from './haproxy-router.js';
import { ensureProcess } from './process.js';
import { HaproxyRuntime } from './runtime.js';

const ends: (() => unknown)[] = [];
afterAll(async () => {
  for (const end of ends) await end();
});

/** A HAProxy with so many places in which nobody has anything. */
const emptyRouter = async (pool: object) => {
  const config = await testConfig();
  const paths = routerPaths(config, {});
  await mkdir(paths.directory, { recursive: true });
  await writeFile(paths.pool, JSON.stringify(pool));
  await ensureProcess(config, paths);
  ends.push(() => removeProxy(config));
  return { router: new HaproxyRouter(config, paths), port: config.routerPort };
};

const serve = (
  instanceId: string,
  appId: string,
  port: number,
  more: object = {},
): RouteAction => ({
  kind: 'serve',
  endpoint: { instanceId, appId, host: '127.0.0.1', port, weight: 1, ...more },
});
const bind = (host: string, appId: string, more: object = {}): RouteAction => ({
  kind: 'bind-host',
  host,
  appId,
  ...more,
});
const policy = rulesOf({
  sticky: true,
  rate: { requests: 1000, per: 'second', burst: 0, by: 'header:x-api-key' },
  concurrency: { perInstance: 3, queue: 2 },
  deny: ['10.0.0.0/8'],
  responseHeaders: { set: { 'x-odd': String.raw`a \ "b" %[src]` }, remove: [] },
});
const notice = {
  kind: 'maintenance',
  page: Buffer.from('closed').toString('base64'),
  allow: addressPrefixes(['10.0.0.0/8', '::1']),
} as const;
/** Something of everything that an app can have. */
const everything = (port: number): RouteAction[] => [
  serve('i1', 'a1', port, { weight: 13 }),
  serve('i2', 'a1', port, { weight: 0 }),
  serve('i3', 'a1', port),
  serve('g1', 'a2', port, { protocol: 'h2c' }),
  serve('i4', 'a3', port),
  { kind: 'suspend', instanceId: 'i4' },
  bind('a1.localhost', 'a1'),
  bind('*.a1.localhost', 'a1'),
  bind('a2.localhost/api', 'a2', { use: { kind: 'serve', strip: true } }),
  bind('old.localhost', 'a2', { use: { kind: 'redirect', status: 301, to: 'a1.localhost' } }),
  bind('a3.localhost', 'a3'),
  { kind: 'police', appId: 'a1', rules: policy },
  { kind: 'match', appId: 'a1', match: { rule: 'header:x-canary=yes', instanceIds: ['i3'] } },
  { kind: 'notify', appId: 'a3', notice },
];

describe('a HAProxy that has to grow before it has anything', () => {
  it('holds the same as one with enough places, and serves by it', async () => {
    const instance = await startInstance('i1', 0);
    ends.push(() => instance.kill());
    const small = await emptyRouter({ backends: 1, servers: 1 });
    const large = await emptyRouter({ backends: 8, servers: 4, h2Servers: 4 });
    const said = vi.spyOn(HaproxyRuntime.prototype, 'change');
    await small.router.apply(everything(instance.port));
    const commands = said.mock.calls.flatMap(([some]) => some);
    said.mockRestore();
    // The rest it got with its files.
    expect(commands.filter((command) => !command.startsWith('set maxconn '))).toEqual([]);
    await large.router.apply(everything(instance.port));

    const held = await small.router.observe();
    expect(held).toEqual(await large.router.observe());
    expect(held.endpoints.get('i1')).toMatchObject({ state: 'serving', weight: 13 });
    expect(held.endpoints.get('i4')).toMatchObject({ state: 'out' });
    expect(held.policies.get('a1')).toBe(policy.id);
    for (const { port } of [small, large]) {
      const served = await ask(port, { host: 'any.a1.localhost' });
      expect([served.status, served.headers['x-odd']]).toEqual([200, String.raw`a \ "b" %[src]`]);
      const closed = await ask(port, { host: 'a3.localhost', headers: { accept: 'text/html' } });
      expect([closed.status, closed.body]).toEqual([503, 'closed\n']);
    }
  });

  it('is looked at once for the change and the look after it, and again after everything that comes then', async () => {
    const small = await emptyRouter({ backends: 1, servers: 1 });
    const large = await emptyRouter({ backends: 8, servers: 4, h2Servers: 4 });
    // A limit has to be said after the start.
    const actions = everything(9_000).filter(({ kind }) => kind !== 'police');
    await small.router.apply(actions);
    await large.router.apply(actions);
    const asked = vi.spyOn(HaproxyRuntime.prototype, 'ask');
    const looks = async () => {
      asked.mockClear();
      const held = await small.router.observe();
      return [held, asked.mock.calls.flat(2).includes(`show map ${FILES.owners}`)] as const;
    };
    expect(await looks()).toEqual([await large.router.observe(), false]);
    expect((await looks())[1]).toBe(true);
    const more: RouteAction[] = [
      { kind: 'drain', instanceId: 'i1' },
      bind('more.localhost', 'a1'),
      { kind: 'unbind-host', host: 'a3.localhost' },
    ];
    await small.router.apply(more);
    await large.router.apply(more);
    expect(await looks()).toEqual([await large.router.observe(), true]);
    asked.mockRestore();
  });
});
