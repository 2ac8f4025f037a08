import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AppCommand } from '@shiplog/domain';
import { ask } from '../testing/client.js';
import { startInstance, type TestInstance } from '../testing/test-instance.js';
import {
  removeProxy,
  testConfig,
  testPlatform,
  type TestPlatform,
} from '../testing/test-platform.js';
import { freePort } from '../testing/free-port.js';
import { PATIENTLY, waitFor } from '../testing/wait-for.js';
import { findHaproxy } from './binary.js';
import { ensureProcess, masterPid, workersOf } from './process.js';
import { ensureStateFiles, readPool, writeConfig, writePool } from './files.js';
import { HaproxyRouter } from './haproxy-router.js';
import { prepareDirectories, routerPaths } from '../routes/router-paths.js';

const app = { host: 'one.localhost' };

describe('a HAProxy with routes', () => {
  let platform: TestPlatform;
  let instance: TestInstance;
  const pid = async (): Promise<number> =>
    (await masterPid(routerPaths(platform.config, {}))) ?? Number.NaN;

  beforeEach(async () => {
    instance = await startInstance('i1', 0);
    platform = await testPlatform();
    await platform.start();
    await platform.createApp('one');
    await platform.ready('one', 'i1', instance.port);
    await platform.recorded('i1', 'routed');
  });
  afterEach(async () => {
    await platform.close();
    await instance.kill();
  });

  it('is adopted by the next router-sync, which changes and records nothing', async () => {
    const before = await pid();
    await platform.stop();
    expect(await ask(platform.config.routerPort, app)).toMatchObject({ status: 200, body: 'i1' });
    const head = await platform.log.head();
    await platform.start();
    expect(await pid()).toBe(before);
    expect(await ask(platform.config.routerPort, app)).toMatchObject({ status: 200, body: 'i1' });
    await platform.createApp('two');
    await expect
      .poll(() => ask(platform.config.routerPort, { host: 'two.localhost' }), PATIENTLY)
      .toMatchObject({ status: 503 });
    // Two commits made the second app; nothing else was written.
    expect(Number(await platform.log.head()) - Number(head)).toBe(2);
  });

  it('follows what happened while router-sync was away', async () => {
    const second = await startInstance('i2', 0);
    await platform.stop();
    await platform.ready('one', 'i2', second.port);
    await platform.retire('i1');
    await platform.start();
    await platform.recorded('i2', 'routed');
    await platform.recorded('i1', 'drained');
    expect(await ask(platform.config.routerPort, app)).toMatchObject({ status: 200, body: 'i2' });
    await second.kill();
  });

  it('is started again with the routes of today when it was killed', async () => {
    const before = await pid();
    process.kill(before, 'SIGKILL');
    await waitFor('another HAProxy', async () => {
      const now = await pid();
      return Number.isInteger(now) && now !== before;
    });
    await expect
      .poll(() => ask(platform.config.routerPort, app), PATIENTLY)
      .toMatchObject({ status: 200, body: 'i1' });
  });

  it('comes back with the routes of today when somebody else starts it', async () => {
    await platform.stop();
    const paths = routerPaths(platform.config, {});
    const before = await pid();
    process.kill(before, 'SIGKILL');
    await waitFor('its end', async () => !Number.isInteger(await pid()));
    await waitFor('a free port', () =>
      ask(platform.config.routerPort, app).then(
        () => false,
        () => true,
      ),
    );
    const master = `${paths.master},mode,600`;
    spawn('/usr/sbin/haproxy', ['-W', '-f', paths.config, '-S', master], { stdio: 'ignore' });
    await waitFor('it to serve', () =>
      ask(platform.config.routerPort, app).then(
        ({ status, body }) => status === 200 && body === 'i1',
        () => false,
      ),
    );
    await waitFor('its master to answer', async () => Number.isInteger(await pid()));
  });

  it('has its ports back, too, whoever starts it again; one that somebody took meanwhile once it is free', async () => {
    const [port, other] = [await freePort(), await freePort()];
    const byPort = (at: number) => ask(at, app).then(({ body }) => body, String);
    const isBack = (at: number) => expect.poll(() => byPort(at), PATIENTLY).toBe('i1');
    const added = { type: 'AddPort', process: 'web', containerPort: null, baseVersion: null };
    for (const at of [port, other]) {
      await platform.app('one', { ...added, port: at } as AppCommand);
      await isBack(at);
    }
    const first = await pid();
    process.kill(first, 'SIGKILL');
    const killedAt = performance.now();
    // Its worker goes on for a moment without it.
    await waitFor('another one', async () => {
      const now = await pid();
      return Number.isInteger(now) && now !== first;
    });
    await isBack(port);
    expect(performance.now() - killedAt).toBeLessThan(5_000);

    await platform.stop();
    expect(await byPort(port)).toBe('i1');
    process.kill(await pid(), 'SIGKILL');
    await waitFor('its end', async () => !Number.isInteger(await pid()));
    const squatter = createServer((_, response) => response.end('squatter'));
    await waitFor('the port', async () => {
      const isMine = once(squatter.listen(port, '127.0.0.1'), 'listening');
      return isMine.then(() => true).catch(() => false);
    });
    await platform.start();
    await isBack(other);
    await expect
      .poll(() => ask(platform.config.routerPort, app), PATIENTLY)
      .toMatchObject({ body: 'i1' });
    expect(await byPort(port)).toBe('squatter');
    squatter.closeAllConnections();
    squatter.close();
    await isBack(port);
    await isBack(other);
  });

  it('has its files put right by the next router-sync when the last one died before it wrote them', async () => {
    await platform.stop();
    const { domains } = routerPaths(platform.config, {});
    await writeFile(domains, '');
    await platform.start();
    await expect
      .poll(() => readFile(domains, 'utf8'), PATIENTLY)
      .toContain('one.localhost/ slot0001');
  });

  it('has its log kept within bounds while it runs', async () => {
    const { log } = routerPaths(platform.config, {});
    await truncate(log, 11 * 1024 * 1024);
    await platform.createApp('two');
    await expect.poll(async () => (await stat(log)).size, PATIENTLY).toBeLessThan(1024 * 1024);
  });

  it('goes on serving when its files were deleted, and gets them back', async () => {
    await platform.stop();
    const { directory, domains } = routerPaths(platform.config, {});
    const before = await pid();
    await rm(directory, { recursive: true });
    const failed: string[] = [];
    const asking = setInterval(() => {
      ask(platform.config.routerPort, app).then(
        ({ status, body }) => {
          if (status !== 200) failed.push(`${status} ${body}`);
        },
        (error: unknown) => failed.push(String(error)),
      );
    }, 2);
    await platform.start();
    await expect
      .poll(() => readFile(domains, 'utf8'), PATIENTLY)
      .toContain('one.localhost/ slot0001');
    clearInterval(asking);
    expect(await pid()).toBe(before);
    expect(failed).toEqual([]);
  });

  it('keeps its sockets to itself', async () => {
    const paths = routerPaths(platform.config, {});
    const modes = await Promise.all(
      [paths.socketDirectory, paths.admin, paths.master, paths.config].map(
        async (path) => (await stat(path)).mode & 0o777,
      ),
    );
    expect(modes).toEqual([0o700, 0o600, 0o600, 0o600]);
    expect(paths.master.length).toBeLessThan(97);
  });

  it('serves as an unprivileged user where it may choose', async () => {
    const { current } = await workersOf(routerPaths(platform.config, {}));
    const status = await readFile(`/proc/${current}/status`, 'utf8');
    expect(/^Uid:\t(\d+)/m.exec(status)?.[1]).not.toBe('0');
  });
});

describe('starting HAProxy', () => {
  it('says which variable to set when the port is taken', async () => {
    const config = await testConfig();
    const squatter: Server = createServer();
    squatter.listen(config.routerPort, '127.0.0.1');
    await once(squatter, 'listening');
    await expect(ensureProcess(config, routerPaths(config, {}))).rejects.toMatchObject({
      code: 'router-port-taken',
      message: expect.stringContaining('SHIPLOG_ROUTER_PORT') as string,
    });
    squatter.close();
    await once(squatter, 'close');
    await removeProxy(config);
  });

  it('refuses a port that the HAProxy of another platform serves', async () => {
    const first = await testConfig();
    await ensureProcess(first, routerPaths(first, {}));
    const second = { ...(await testConfig()), routerPort: first.routerPort };
    await expect(ensureProcess(second, routerPaths(second, {}))).rejects.toMatchObject({
      code: 'router-port-taken',
    });
    await removeProxy(first);
    await removeProxy(second);
  });

  it('names what to install when there is none', async () => {
    const config = await testConfig();
    await expect(
      ensureProcess(config, routerPaths(config, {}), '/nowhere/haproxy'),
    ).rejects.toThrow('/nowhere/haproxy');
    await removeProxy(config);
  });

  it('moves to another port without losing a route', async () => {
    const config = await testConfig();
    const paths = routerPaths(config, {});
    const { pid } = await ensureProcess(config, paths);
    const moved = { ...config, routerPort: await freePort() };
    expect(await ensureProcess(moved, paths)).toEqual({ pid, wasAdopted: true });
    expect(await ask(moved.routerPort, { host: 'nobody.localhost' })).toMatchObject({
      status: 404,
    });
    await removeProxy(moved);
  });

  it('stays where it is when the other port is taken', async () => {
    const config = await testConfig();
    const paths = routerPaths(config, {});
    const { pid } = await ensureProcess(config, paths);
    const stranger = createServer().listen(0, '127.0.0.1');
    await once(stranger, 'listening');
    const { port } = stranger.address() as AddressInfo;
    const moved = ensureProcess({ ...config, routerPort: port }, paths);
    await expect(moved).rejects.toThrow(`port ${port} is taken by another program`);
    stranger.close();
    expect(await ensureProcess(config, paths)).toEqual({ pid, wasAdopted: true });
    expect(await ask(config.routerPort, { host: 'nobody.localhost' })).toMatchObject({
      status: 404,
    });
    await removeProxy(config);
  });
});

it('starts with more places than it may open files', async () => {
  const config = await testConfig();
  const paths = routerPaths(config, {});
  await prepareDirectories(paths);
  await ensureStateFiles(paths);
  const binary = await findHaproxy(process.env);
  const scarce = join(config.home, 'scarce');
  // As a process that may not raise its limit, which root may in most places.
  const words = `#!/bin/sh\nexec setpriv --bounding-set -sys_resource prlimit --nofile=1500:1500 ${binary} "$@"\n`;
  await writeFile(scarce, words, { mode: 0o700 });
  await writePool(paths, { backends: 64, servers: 32, h2Servers: 0 });
  expect(await ensureProcess(config, paths, scarce)).toMatchObject({ wasAdopted: false });
  expect(await ask(config.routerPort, app)).toMatchObject({ status: 404 });
  await removeProxy(config);
});

describe('a HAProxy that somebody else runs', () => {
  const routesOf = async (socket: string, masterArguments: (master: string) => string[]) => {
    const config = await testConfig();
    const env = { SHIPLOG_HAPROXY_SOCKET: socket.replace('HOME', config.home) };
    const paths = routerPaths(config, env);
    await prepareDirectories(paths);
    await ensureStateFiles(paths);
    await writeConfig(config, paths, { backends: 1, servers: 1, h2Servers: 0 });
    const started = spawn(
      '/usr/sbin/haproxy',
      ['-W', '-db', '-f', paths.config, ...masterArguments(paths.master)],
      { stdio: 'ignore' },
    );
    await waitFor('it to answer', () =>
      ensureProcess(config, paths).then(
        () => true,
        () => false,
      ),
    );
    const close = async (): Promise<void> => {
      const ended = once(started, 'exit');
      started.kill('SIGKILL');
      await ended;
      await removeProxy(config);
      await rm(config.home, { recursive: true, force: true });
    };
    return { config, paths, router: new HaproxyRouter(config, paths), close };
  };
  const bind = (app: string) => ({
    kind: 'bind-host' as const,
    host: `${app}.localhost`,
    appId: app,
  });

  it('is changed through its socket, and grows through its master', async () => {
    const { router, config, paths, close } = await routesOf('HOME/admin.sock', (master) => [
      '-S',
      master,
    ]);
    expect(paths.isExternal).toBe(true);
    await router.apply([bind('a1'), bind('a2'), bind('a3')]);
    expect((await router.observe()).hosts.size).toBe(3);
    expect(await ask(config.routerPort, { host: 'a3.localhost' })).toMatchObject({ status: 503 });
    await close();
  });

  it('says how to let it grow when its master cannot be reached', async () => {
    const { router, close } = await routesOf(`127.0.0.1:${await freePort()}`, () => []);
    await router.apply([bind('a1')]);
    expect((await router.observe()).hosts.get('a1.localhost')).toBe('a1');
    const domain = { kind: 'bind-host', host: 'www.example.com', appId: 'a1' } as const;
    await expect(router.apply([bind('a2'), domain])).rejects.toMatchObject({
      code: 'router-full',
      message: expect.stringContaining('-S ') as string,
    });
    // What has a place is done all the same.
    expect([...(await router.observe()).hosts.keys()]).toEqual(['a1.localhost', 'www.example.com']);
    await close();
  });

  it('goes on, and starts again, when it cannot load a larger configuration', async () => {
    const { router, config, paths, close } = await routesOf('HOME/admin.sock', (master) => [
      '-S',
      master,
    ]);
    await router.apply([bind('a1')]);
    const before = await readFile(paths.config, 'utf8');
    // A reload fails in the same way where there are too few file descriptors.
    await rm(paths.domains);
    const broken = { ...paths, domains: `${paths.domains}.elsewhere` };
    const full = new HaproxyRouter(config, broken);
    await expect(full.apply([bind('a2')])).rejects.toMatchObject({ code: 'router-config-invalid' });
    expect(await readFile(paths.config, 'utf8')).toBe(before);
    expect((await readPool(paths)).backends).toBe(1);
    expect(await ask(config.routerPort, { host: 'a1.localhost' })).toMatchObject({ status: 503 });
    await router.apply([bind('a1')]);
    await router.apply([bind('a2')]);
    expect((await router.observe()).hosts.size).toBe(2);
    await close();
  });
});
