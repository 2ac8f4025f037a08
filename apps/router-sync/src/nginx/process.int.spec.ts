import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ask } from '../testing/client.js';
import { freePort } from '../testing/free-port.js';
import { startInstance, type TestInstance } from '../testing/test-instance.js';
import { startLoad } from '../testing/load.js';
import {
  removeProxy,
  testConfig,
  testPlatform,
  type TestPlatform,
} from '../testing/test-platform.js';
import { echo, openTunnel } from '../testing/upgrade.js';
import { PATIENTLY, waitFor } from '../testing/wait-for.js';
import { ensureProcess } from '../haproxy/process.js';
import { NginxAdmin } from './admin.js';
import { findNginx } from './binary.js';
import { nginxPaths, renderFiles, writeFiles } from './files.js';
import { ensureNginx, nginxPid } from './process.js';
import { NginxRouter } from './nginx-router.js';
import { proxyOf } from '../routes/proxy.js';
import { routerPaths } from '../routes/router-paths.js';

const app = { host: 'one.localhost' };

describe('an nginx with routes', () => {
  let platform: TestPlatform;
  let instance: TestInstance;
  const paths = () => nginxPaths(platform.config, {});
  const pid = async (): Promise<number> => (await nginxPid(paths())) ?? Number.NaN;
  const workers = async () => [
    ...(await new NginxAdmin(paths().admin).read('known')).workers.keys(),
  ];
  const served = () => ask(platform.config.routerPort, app);

  beforeEach(async () => {
    instance = await startInstance('i1', 0);
    platform = await testPlatform(undefined, 'nginx');
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
    expect(await served()).toMatchObject({ status: 200, body: 'i1' });
    const head = await platform.log.head();
    await platform.start();
    expect(await pid()).toBe(before);
    expect(await served()).toMatchObject({ status: 200, body: 'i1' });
    expect(await platform.log.head()).toBe(head);
  });

  it('is back within a second with the routes of today when all of it was killed', async () => {
    const [before, all] = [await pid(), await workers()];
    for (const one of [before, ...all]) process.kill(one, 'SIGKILL');
    const killedAt = performance.now();
    await waitFor('it to serve', () =>
      served().then(
        ({ body }) => body === 'i1',
        () => false,
      ),
    );
    expect(performance.now() - killedAt).toBeLessThan(2_000);
    expect(await pid()).not.toBe(before);
  });

  it('serves on without a control plane when its master or a worker is killed', async () => {
    await platform.stop();
    const [first = 0, ...others] = await workers();
    process.kill(first, 'SIGKILL');
    await expect
      .poll(async () => (await workers()).filter((one) => ![first, ...others].includes(one)), {
        timeout: 5_000,
      })
      .toHaveLength(1);
    process.kill(await pid(), 'SIGKILL');
    for (let i = 0; i < 20; i += 1) expect(await served()).toMatchObject({ body: 'i1' });
    await platform.start();
    expect(await served()).toMatchObject({ body: 'i1' });
    expect(await pid()).not.toBeNaN();
  });

  it('takes nothing for drained that workers of killed masters may have in hand', async () => {
    const masters = [Number.NaN];
    const tunnels = [];
    for (let kills = 0; kills < 2; kills += 1) {
      const { socket } = await openTunnel(platform.config.routerPort, 'one.localhost');
      tunnels.push(socket);
      masters.push(await pid());
      process.kill(await pid(), 'SIGKILL');
      await waitFor('another nginx', async () => !masters.includes(await pid()));
    }
    // One writer of the routes at a time.
    await platform.stop();
    const router = new NginxRouter(paths());
    await router.apply([{ kind: 'drain', instanceId: 'i1' }]);
    const sessions = async () => (await router.observe()).endpoints.get('i1')?.sessions;
    expect((await router.observe()).endpoints.get('i1')).toMatchObject({ state: 'leaving' });
    // Workers that have nothing in hand end.
    await expect.poll(sessions, PATIENTLY).toBe(2);
    for (const [i, socket] of tunnels.entries()) {
      expect(await echo(socket, 'still here')).toBe('still here');
      socket.destroy();
      await expect.poll(sessions, PATIENTLY).toBe(1 - i);
    }
  });

  it('has its file of routes put right by the next router-sync', async () => {
    await platform.stop();
    await writeFile(paths().routes, '');
    await platform.start();
    await expect.poll(() => readFile(paths().routes, 'utf8'), PATIENTLY).toContain('one.localhost');
  });

  it('keeps its socket and files to itself, and serves as an unprivileged user', async () => {
    const { socketDirectory, config, routes } = paths();
    const modes = await Promise.all(
      [socketDirectory, config, routes].map(async (path) => (await stat(path)).mode & 0o777),
    );
    expect(modes).toEqual([0o700, 0o600, 0o600]);
    const [worker] = await workers();
    const status = await readFile(`/proc/${worker}/status`, 'utf8');
    expect(/^Uid:\t(\d+)/m.exec(status)?.[1]).not.toBe('0');
  });

  it('leaves out of the routes what is damaged in their file, and nothing else', async () => {
    await platform.stop();
    const file = paths().routes;
    await writeFile(file, `app bad 1\nnonsense\nhost bad host\n${await readFile(file, 'utf8')}`);
    for (const one of [await pid(), ...(await workers())]) process.kill(one, 'SIGKILL');
    const config = platform.config;
    await waitFor('its end', async () => Number.isNaN(await pid()));
    await ensureNginx(config, paths());
    expect(await served()).toMatchObject({ body: 'i1' });
    expect(await readFile(paths().log, 'utf8')).toContain('left out of the routes: nonsense');
  });
});

describe('starting nginx', () => {
  it('says which variable to set when the port is taken', async () => {
    const config = await testConfig('nginx');
    const squatter = createServer().listen(config.routerPort, '127.0.0.1');
    await once(squatter, 'listening');
    await expect(ensureNginx(config, nginxPaths(config, {}))).rejects.toMatchObject({
      code: 'router-port-taken',
      message: expect.stringContaining('SHIPLOG_ROUTER_PORT') as string,
    });
    squatter.close();
    await removeProxy(config);
  });

  it('names what to install when there is none', async () => {
    const missing = findNginx({ SHIPLOG_NGINX: '/nowhere/nginx' });
    await expect(missing).rejects.toThrow('SHIPLOG_NGINX names /nowhere/nginx');
    const other = findNginx({ SHIPLOG_NGINX: '/bin/true' });
    await expect(other).rejects.toThrow('/bin/true does not say that it is nginx');
    const old = await mkdtemp(join(tmpdir(), 'nginx-'));
    await writeFile(join(old, 'nginx'), '#!/bin/sh\necho nginx version: nginx/1.18.0 >&2\n', {
      mode: 0o755,
    });
    await expect(findNginx({ PATH: old })).rejects.toThrow(/1\.18\.0: install the packages/);
    await rm(old, { recursive: true });
  });

  it('refuses while the other proxy of this platform serves', async () => {
    const config = await testConfig('nginx');
    const { pid } = await ensureProcess(config, routerPaths(config, {}));
    await expect(proxyOf(config, {}).ensure()).rejects.toThrow(`kill -TERM ${pid}`);
    await removeProxy(config);
    const other = await testConfig('haproxy');
    const nginx = await ensureNginx(other, nginxPaths(other, {}));
    await expect(proxyOf(other, {}).ensure()).rejects.toThrow(`kill -TERM ${nginx.pid}`);
    await removeProxy(other);
  });

  it('moves to another port by a reload that keeps routes, tunnels and requests', async () => {
    const config = await testConfig('nginx');
    const paths = nginxPaths(config, {});
    const { pid } = await ensureNginx(config, paths);
    const router = new NginxRouter(paths);
    const instance = await startInstance('i1', 0);
    const { port } = instance;
    await router.apply([
      {
        kind: 'serve',
        endpoint: { instanceId: 'i1', appId: 'one', host: '127.0.0.1', port, weight: 1 },
      },
      { kind: 'bind-host', ...app, appId: 'one' },
    ]);
    const { socket } = await openTunnel(config.routerPort, app.host);
    const slow = ask(config.routerPort, { ...app, path: '/slow?ms=700' });
    await expect
      .poll(async () => (await new NginxAdmin(paths.admin).read()).sessions.get('i1'), PATIENTLY)
      .toBe(2);
    const moved = { ...config, routerPort: await freePort() };
    expect(await ensureNginx(moved, paths)).toEqual({ pid, wasAdopted: true });
    expect(await ask(moved.routerPort, app)).toMatchObject({ status: 200, body: 'i1' });
    expect(await slow).toMatchObject({ status: 200, body: 'i1' });
    expect(await echo(socket, 'still here')).toBe('still here');
    // What old workers have in hand is counted; what is taken out gets nothing from them either.
    await router.apply([{ kind: 'drain', instanceId: 'i1' }]);
    expect((await router.observe()).endpoints.get('i1')).toMatchObject({
      state: 'draining',
      sessions: 1,
    });
    socket.destroy();
    await instance.kill();
    await removeProxy(moved);
  });

  it('loads what was written for it by somebody who died before the reload', async () => {
    const config = await testConfig('nginx');
    const paths = nginxPaths(config, {});
    const { pid } = await ensureNginx(config, paths);
    const moved = { ...config, routerPort: await freePort() };
    const written = await renderFiles(moved, paths, await findNginx(process.env));
    await writeFiles(paths, written);
    expect(await ensureNginx(moved, paths)).toEqual({ pid, wasAdopted: true });
    const { fingerprint, workers } = await new NginxAdmin(paths.admin).read();
    expect([fingerprint, [...workers.values()].includes(fingerprint)]).toEqual([
      written.fingerprint,
      true,
    ]);
    expect(await ask(moved.routerPort, { host: 'nobody.localhost' })).toMatchObject({
      status: 404,
    });
    // What runs is what is there now: no worker is replaced again.
    const before = [...workers.keys()];
    await ensureNginx(moved, paths);
    expect([...(await new NginxAdmin(paths.admin).read()).workers.keys()]).toEqual(
      expect.arrayContaining(before.filter((one) => workers.get(one) === fingerprint)),
    );
    await removeProxy(moved);
  });

  it('reloads once for each module that is another one than it should be', async () => {
    const config = await testConfig('nginx');
    const paths = nginxPaths(config, {});
    await ensureNginx(config, paths);
    const right = await renderFiles(config, paths, await findNginx(process.env));
    const earlier = '0'.repeat(right.fingerprint.length);
    const listed = async () => {
      const { workers } = await new NginxAdmin(paths.admin).read();
      const pids = await Promise.all(
        [...workers.keys()].map(async (one) => {
          const title = await readFile(`/proc/${one}/cmdline`, 'utf8').catch(() => '');
          return title.includes('worker process') && !title.includes('shutting') ? one : undefined;
        }),
      );
      return pids.filter((one) => one !== undefined).toSorted((a, b) => a - b);
    };
    /** One a core; each tells of itself when it has begun. */
    const serving = async () => {
      await expect.poll(listed, PATIENTLY).toHaveLength(availableParallelism());
      return listed();
    };
    for (const name of Object.keys(right.others).filter((other) => other.endsWith('.lua'))) {
      await writeFiles(paths, {
        config: right.config.replace(right.fingerprint, earlier),
        others: { ...right.others, [name]: `${right.others[name]}-- of an earlier version` },
      });
      process.kill((await nginxPid(paths)) ?? Number.NaN, 'SIGHUP');
      const runs = async () => (await new NginxAdmin(paths.admin).read()).fingerprint;
      await expect.poll(runs, PATIENTLY).toBe(earlier);
      const before = await serving();
      await ensureNginx(config, paths);
      const after = await serving();
      expect([name, after.filter((one) => before.includes(one))]).toEqual([name, []]);
      expect(await readFile(join(paths.directory, name), 'utf8')).toBe(right.others[name]);
      await ensureNginx(config, paths);
      expect([name, await serving()]).toEqual([name, after]);
    }
    // What runs is right: a file beside it is no reason to replace workers.
    const before = await serving();
    await writeFile(join(paths.directory, 'shiplog.lua'), '-- damaged');
    await ensureNginx(config, paths);
    expect(await serving()).toEqual(before);
    expect(await readFile(join(paths.directory, 'shiplog.lua'), 'utf8')).toBe(
      right.others['shiplog.lua'],
    );
    await removeProxy(config);
  });

  it('goes on as before with a configuration that it cannot load, and says why', async () => {
    const config = await testConfig('nginx');
    const paths = nginxPaths(config, {});
    const { pid } = await ensureNginx(config, paths);
    const before = await readFile(paths.config, 'utf8');
    const bad = { ...config, bind: 'nowhere.invalid' };
    await expect(ensureNginx(bad, paths)).rejects.toThrow(/nowhere\.invalid/);
    expect(await readFile(paths.config, 'utf8')).toBe(before);
    expect(await nginxPid(paths)).toBe(pid);
    expect(await ask(config.routerPort, { host: 'nobody.localhost' })).toMatchObject({
      status: 404,
    });
    expect(await ensureNginx(config, paths)).toEqual({ pid, wasAdopted: true });
    await removeProxy(config);
  });
});

describe('Nginx under load', () => {
  it('fails no request while instances are replaced, kept connections and POSTs included', async () => {
    const platform = await testPlatform(undefined, 'nginx');
    await platform.start();
    await platform.createApp('load', 10);
    const ledger = new Map<string, number>();
    const routed = async (id: string) => {
      const instance = await startInstance(id, 0, ledger);
      await platform.ready('load', id, instance.port);
      await platform.recorded(id, 'routed');
      return instance;
    };
    let current = await routed('load-0');
    const load = startLoad({
      port: platform.config.routerPort,
      host: 'load.localhost',
      ledger,
      isOurs: (name) => name.startsWith('load-'),
    });
    for (let n = 1; n <= 2; n += 1) {
      // On a fast machine a deploy is over before the load has begun.
      await expect.poll(() => load.answered(), PATIENTLY).toBeGreaterThan(n * 100);
      const next = await routed(`load-${n}`);
      await platform.retire(current.name);
      await platform.recorded(current.name, 'drained');
      await current.kill();
      await platform.stopped(current.name);
      current = next;
    }
    const { answered, failed } = await load.stop();
    expect(failed).toEqual([]);
    expect(answered).toBeGreaterThan(200);
    await platform.close();
    await current.kill();
  });
});
