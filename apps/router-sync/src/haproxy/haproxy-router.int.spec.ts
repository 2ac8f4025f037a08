import { once } from 'node:events';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { connect, type IncomingHttpHeaders } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { removeProxy, testConfig } from '../testing/test-platform.js';
import { ensureProcess, masterPid, reload, workersOf } from './process.js';
import { HaproxyRouter } from './haproxy-router.js';
import { HaproxyRuntime } from './runtime.js';
import { describeDomains } from '../routes/domains.contract.js';
import { describeHostile } from '../routes/hostile.contract.js';
import { describeLongHeads } from '../routes/long-heads.contract.js';
import { describeMatches } from '../routes/matches.contract.js';
import { describePorts } from '../routes/ports.contract.js';
import { describePasswords } from '../routes/passwords.contract.js';
import { describePolicy } from '../routes/policy.contract.js';
import { describeRouter } from '../routes/router.contract.js';
import { describeAccess } from '../access/access.contract.js';
import { HaproxyAccess } from '../access/haproxy-access.js';
import { describePages } from '../pages/pages.contract.js';
import { describeServing } from '../routes/serving.contract.js';
import { routerPaths } from '../routes/router-paths.js';
import { rulesOf } from '../routes/traffic-rules.js';
import { ask } from '../testing/client.js';
import { startLoad } from '../testing/load.js';
import { startInstance, type Ledger, type TestInstance } from '../testing/test-instance.js';
import { closed, echo, openTunnel } from '../testing/upgrade.js';
import { PATIENTLY } from '../testing/wait-for.js';

const haproxy = async () => {
  const config = await testConfig();
  const paths = routerPaths(config, {});
  await ensureProcess(config, paths);
  const router = new HaproxyRouter(config, paths);
  return {
    router,
    paths,
    access: new HaproxyAccess(paths, (server) => router.ownerOf(server)),
    port: config.routerPort,
    close: () => removeProxy(config),
    restart: async () => {
      await reload(paths);
      process.kill((await masterPid(paths)) ?? 0, 'SIGKILL');
      await expect.poll(() => masterPid(paths), PATIENTLY).toBeUndefined();
      await ensureProcess(config, paths);
    },
  };
};
describeRouter('HAProxy', haproxy);
describeServing('HAProxy', haproxy);
describeMatches('HAProxy', haproxy);
describeLongHeads('HAProxy', haproxy);
describePolicy('HAProxy', haproxy);
describePasswords('HAProxy', haproxy);
describeHostile('HAProxy', haproxy);
describePages('HAProxy', haproxy);
describeDomains('HAProxy', haproxy);
describeAccess('HAProxy', haproxy);
describePorts('HAProxy', haproxy);

describe('lines of a HAProxy that closes the connection on which they are read', () => {
  it('are not read once more, and those that come later are', async () => {
    const { router, access, port, paths, close } = await haproxy();
    const host = 'a1.localhost';
    await router.apply([{ kind: 'bind-host', host, appId: 'a1' }]);
    const runtime = new HaproxyRuntime(paths.admin);
    const readers = async (): Promise<string[]> => {
      const [sessions = ''] = await runtime.ask(['show sess']);
      const lines = sessions.split('\n').filter((line) => / fe=GLOBAL .* age=(?!0s)/.test(line));
      return lines.map((line) => line.split(':')[0] ?? '');
    };
    const seen: string[] = [];
    const stop = access.start({ onLine: (line) => seen.push(line), onLost: () => undefined });
    await expect.poll(readers, PATIENTLY).toHaveLength(1);
    await ask(port, { host, path: '/once' });
    const isSeen = (path: string) => () => seen.some((line) => line.endsWith(path));
    await expect.poll(isSeen('/once'), PATIENTLY).toBe(true);

    const [reader = ''] = await readers();
    await runtime.ask([`shutdown session ${reader}`]);
    await expect.poll(readers, PATIENTLY).not.toContain(reader);
    await expect.poll(readers, PATIENTLY).toHaveLength(1);
    await ask(port, { host, path: '/later' });
    await expect.poll(isSeen('/later'), PATIENTLY).toBe(true);
    expect(seen).toHaveLength(2);
    await stop();
    await close();
  });
});

describe('lines of a worker on its way out', () => {
  it('are read to its end, though the master is silent meanwhile', async () => {
    const { router, access, port, paths, close } = await haproxy();
    const host = 'a1.localhost';
    const instance = await startInstance('i1', 0);
    const endpoint = {
      ...{ instanceId: 'i1', appId: 'a1', host: '127.0.0.1', port: instance.port, weight: 1 },
    };
    await router.apply([
      { kind: 'serve', endpoint },
      { kind: 'bind-host', host, appId: 'a1' },
    ]);
    const seen: string[] = [];
    const stop = access.start({ onLine: (line) => seen.push(line), onLost: () => undefined });
    const isSeen = (path: string) => () => seen.some((line) => line.endsWith(path));
    await expect
      .poll(async () => {
        await ask(port, { host, path: '/first' });
        return isSeen('/first')();
      }, PATIENTLY)
      .toBe(true);

    const { answered } = await access.counted();
    const slow = ask(port, { host, path: '/slow?ms=2500' });
    await expect
      .poll(() => router.underWay(), PATIENTLY)
      .toMatchObject({
        instances: new Map([['i1', 1]]),
      });
    await reload(paths);
    await rename(paths.master, `${paths.master}.away`);
    for (let i = 0; i < 3; i += 1) await ask(port, { host, path: '/new' });
    await slow;
    await rename(`${paths.master}.away`, paths.master);
    await expect.poll(isSeen('/slow'), PATIENTLY).toBe(true);
    // What both workers answered was counted, and all of it has a line.
    const counted = (): Promise<unknown> => access.counted();
    await expect.poll(counted, PATIENTLY).toEqual({ answered: answered + 4, missing: 0 });
    await stop();
    await instance.kill();
    await close();
  });
});

describe('a HAProxy whose places are all taken', () => {
  const app = { host: 'a1.localhost' };
  const serve = (instanceId: string, appId: string, port: number) => ({
    kind: 'serve' as const,
    endpoint: { instanceId, appId, host: '127.0.0.1', port, weight: 1 },
  });
  let config: Awaited<ReturnType<typeof testConfig>>;
  let paths: ReturnType<typeof routerPaths>;
  let router: HaproxyRouter;
  const ledger: Ledger = new Map();
  const isInstance = (name: string): boolean => name === 'i1' || name === 'i2';
  let first: TestInstance;
  let second: TestInstance;

  beforeAll(async () => {
    config = await testConfig();
    paths = routerPaths(config, {});
    await mkdir(paths.directory, { recursive: true });
    await writeFile(paths.pool, JSON.stringify({ backends: 1, servers: 1 }));
    await ensureProcess(config, paths);
    router = new HaproxyRouter(config, paths);
    first = await startInstance('i1', 0, ledger);
    second = await startInstance('i2', 0, ledger);
    await router.apply([
      serve('i1', 'a1', first.port),
      { kind: 'bind-host', host: 'a1.localhost', appId: 'a1' },
    ]);
  });
  afterAll(() => removeProxy(config));

  it('grows by one reload that keeps routes, tunnels and requests', async () => {
    const { socket } = await openTunnel(config.routerPort, 'a1.localhost');
    const slow = ask(config.routerPort, { ...app, path: '/slow?ms=1500' });
    const pid = await masterPid(paths);
    const host = 'a1.localhost';
    const load = startLoad({ port: config.routerPort, host, ledger, isOurs: isInstance });
    await expect.poll(() => load.answered(), PATIENTLY).toBeGreaterThan(100);
    await router.apply([
      ...[2, 3, 4, 5].map((n) => serve(`b${n}`, `b${n}`, 22_190 + n)),
      serve('i2', 'a1', second.port),
    ]);
    expect(await masterPid(paths)).toBe(pid);
    const answered = load.answered();
    await expect.poll(() => load.answered(), PATIENTLY).toBeGreaterThan(answered + 300);
    expect((await load.stop()).failed).toEqual([]);
    expect(JSON.parse(await readFile(paths.pool, 'utf8'))).toEqual({
      backends: 8,
      servers: 2,
      h2Servers: 0,
    });
    expect((await router.observe()).endpoints.size).toBe(6);
    expect(await echo(socket, 'still here')).toBe('still here');
    expect(await slow).toMatchObject({ status: 200, body: 'i1' });
    const bodies = await Promise.all([1, 2, 3, 4].map(() => ask(config.routerPort, app)));
    expect(new Set(bodies.map(({ body }) => body))).toEqual(new Set(['i1', 'i2']));

    // The worker with the tunnel is on its way out: it may begin one more request, it counts, it is cut.
    expect((await workersOf(paths)).old).toHaveLength(1);
    await router.apply([{ kind: 'drain', instanceId: 'i1' }]);
    expect((await router.observe()).endpoints.get('i1')).toMatchObject({
      state: 'leaving',
      sessions: 1,
    });
    const end = closed(socket);
    await router.apply([{ kind: 'cut', instanceId: 'i1' }]);
    await end;
    await expect.poll(async () => (await workersOf(paths)).old, PATIENTLY).toEqual([]);
    expect((await router.observe()).endpoints.get('i1')).toMatchObject({
      state: 'draining',
      sessions: 0,
    });
  });
});

describe('an instance with an address of its own', () => {
  it('is reached there after a reload and after a restart of HAProxy, before anything is said again', async () => {
    const config = await testConfig();
    const paths = routerPaths(config, {});
    await ensureProcess(config, paths);
    const router = new HaproxyRouter(config, paths);
    const endpoint = { instanceId: 'i1', appId: 'a1', host: '127.0.0.9', port: 22_109, weight: 13 };
    await router.apply([{ kind: 'serve', endpoint }]);
    const seen = async () => (await router.observe()).endpoints.get('i1');
    expect(await seen()).toMatchObject(endpoint);

    await reload(paths);
    expect(await seen()).toMatchObject(endpoint);

    process.kill((await masterPid(paths)) ?? 0, 'SIGKILL');
    await expect.poll(() => masterPid(paths), PATIENTLY).toBeUndefined();
    await ensureProcess(config, paths);
    expect(await seen()).toMatchObject(endpoint);
    await removeProxy(config);
  });
});

describe('instances with different parts of the requests', () => {
  it('get them, none or all, and what they answered is counted', async () => {
    const config = await testConfig();
    const paths = routerPaths(config, {});
    await ensureProcess(config, paths);
    const router = new HaproxyRouter(config, paths);
    const ledger: Ledger = new Map();
    const [old, fresh] = [
      await startInstance('i1', 0, ledger),
      await startInstance('i2', 0, ledger),
    ];
    const endpoint = (instanceId: string, port: number, weight: number) => ({
      kind: 'serve' as const,
      endpoint: { instanceId, appId: 'a1', host: '127.0.0.1', port, weight },
    });
    await router.apply([
      endpoint('i1', old.port, 1),
      endpoint('i2', fresh.port, 0),
      { kind: 'bind-host', host: 'a1.localhost', appId: 'a1' },
    ]);
    const requests = async (count: number) => {
      for (let i = 0; i < count; i += 1) await ask(config.routerPort, { host: 'a1.localhost' });
      const counted = await router.traffic('a1');
      return ['i1', 'i2'].map((id) => counted.get(id)?.requests);
    };
    expect(await requests(20)).toEqual([20, 0]);
    await router.apply([
      { kind: 'weigh', instanceId: 'i2', weight: 1 },
      { kind: 'weigh', instanceId: 'i1', weight: 4 },
    ]);
    expect(await requests(20)).toEqual([36, 4]);
    await router.apply([{ kind: 'weigh', instanceId: 'i1', weight: 0 }]);
    expect(await requests(10)).toEqual([36, 14]);
    await Promise.all([old.kill(), fresh.kill()]);
    await removeProxy(config);
  });
});

describe('a limit of requests at once', () => {
  it('is known to be gone after a reload, which HAProxy begins without it, and is brought back', async () => {
    const config = await testConfig();
    const paths = routerPaths(config, {});
    await ensureProcess(config, paths);
    const router = new HaproxyRouter(config, paths);
    const rules = rulesOf({ concurrency: { perInstance: 3, queue: 1 } });
    const endpoint = { instanceId: 'i1', appId: 'a1', host: '127.0.0.9', port: 22_109, weight: 1 };
    const police = { kind: 'police', appId: 'a1', rules } as const;
    const seen = async () => (await router.observe()).policies.get('a1');
    await router.apply([{ kind: 'serve', endpoint }, police]);
    expect(await seen()).toBe(rules.id);
    await reload(paths);
    expect(await seen()).toBe('');
    await router.apply([police]);
    expect(await seen()).toBe(rules.id);
    await removeProxy(config);
  });
});

describe('a client of HTTP/2', () => {
  it('is told of an instance that hung up or is silent, and not that it may send it again', async () => {
    const { router, port, close } = await haproxy();
    const taken: string[] = [];
    const instance = createServer((request, response) => {
      const { method = '', url = '' } = request;
      if (method === 'POST') taken.push(url);
      if (url === '/cut') request.socket.destroy();
      if (url === '/') response.end('ok');
    }).listen(0, '127.0.0.1');
    await once(instance, 'listening');
    const { port: at } = instance.address() as AddressInfo;
    const endpoint = { instanceId: 'i1', appId: 'a1', host: '127.0.0.1', port: at, weight: 1 };
    await router.apply([
      { kind: 'serve', endpoint },
      { kind: 'bind-host', host: 'a1.localhost', appId: 'a1' },
      { kind: 'police', appId: 'a1', rules: rulesOf({ responseSeconds: 1 }) },
    ]);
    const client = connect(`http://127.0.0.1:${port}`);
    const post = async (path: string) => {
      const sent = client.request({
        ...{ ':authority': 'a1.localhost', ':method': 'POST', ':path': path },
      });
      const [headers] = (await once(sent.end('x'), 'response')) as [IncomingHttpHeaders];
      sent.resume();
      return [headers[':status'], headers['x-shiplog-router']];
    };
    expect(await post('/')).toEqual([200, undefined]);
    expect(await post('/cut')).toEqual([502, 'instance-failed']);
    expect(await post('/silent')).toEqual([504, 'instance-silent']);
    expect(taken).toEqual(['/', '/cut', '/silent']);
    client.close();
    instance.closeAllConnections();
    instance.close();
    await close();
  });
});
