import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { once } from 'node:events';
import { createServer, request, type Server } from 'node:http';
import { ask } from './testing/client.js';
import { freePort } from './testing/free-port.js';
import { startLoad } from './testing/load.js';
import { startInstance, type Ledger } from './testing/test-instance.js';
import { testPlatform, type TestPlatform } from './testing/test-platform.js';
import { closed, echo, openTunnel } from './testing/upgrade.js';
import { PATIENTLY } from './testing/wait-for.js';

let port: number;
let platform: TestPlatform;

/** An instance with a port of its own, routed. */
const routed = async (appId: string, instanceId: string, ledger?: Ledger) => {
  const instance = await startInstance(instanceId, 0, ledger);
  await platform.ready(appId, instanceId, instance.port);
  await platform.recorded(instanceId, 'routed');
  return instance;
};
const bodyOf = async (host: string) => (await ask(port, { host })).body;

beforeAll(async () => {
  platform = await testPlatform();
  port = platform.config.routerPort;
  await platform.start();
});
afterAll(() => platform.close());

describe('routes', () => {
  it('answer 404 for a host that nobody has, and 503 for an app without instance', async () => {
    await platform.createApp('one');
    expect(await ask(port, { host: 'nobody.localhost' })).toMatchObject({ status: 404 });
    await expect
      .poll(() => ask(port, { host: 'one.localhost' }), PATIENTLY)
      .toMatchObject({ status: 503, headers: { 'retry-after': '5' } });
  });

  it('lead to an instance when it is ready, whatever the case, port or final dot of the host', async () => {
    await routed('one', 'one-1');
    for (const host of [
      'one.localhost',
      'ONE.localhost',
      `one.localhost:${port}`,
      'one.localhost.',
    ]) {
      expect(await ask(port, { host })).toMatchObject({ status: 200, body: 'one-1' });
    }
  });

  it('lead to no app by the last of several names in one host', async () => {
    const { status } = await ask(port, { host: 'nobody.localhost,one.localhost' });
    // HAProxy 3 says that it is no host.
    expect([400, 404]).toContain(status);
  });

  it('carry no change to HTTP/2, which would get requests past what is done to headers', async () => {
    const headers = { connection: 'Upgrade, HTTP2-Settings', 'http2-settings': 'AAMAAABk' };
    for (const upgrade of ['h2c', 'H2C']) {
      expect(
        await ask(port, { host: 'one.localhost', headers: { ...headers, upgrade } }),
      ).toMatchObject({ status: 200, body: 'one-1' });
    }
  });

  it('follow custom domains, and forget them', async () => {
    await platform.app('one', { type: 'AddDomain', host: 'www.example.com' });
    await expect.poll(() => bodyOf('www.example.com'), PATIENTLY).toBe('one-1');
    await platform.app('one', { type: 'RemoveDomain', host: 'www.example.com' });
    await expect
      .poll(() => ask(port, { host: 'www.example.com' }), PATIENTLY)
      .toMatchObject({ status: 404 });
  });

  it('replace what a client claims about itself', async () => {
    const { body } = await ask(port, {
      host: 'one.localhost',
      path: '/headers',
      headers: {
        'x-forwarded-for': '6.6.6.6',
        'x-forwarded-proto': 'https',
        'x-forwarded-host': 'bank.example.com',
        'x-forwarded-user': 'root',
        forwarded: 'for=6.6.6.6',
        'x-request-id': 'mine',
      },
    });
    const headers = JSON.parse(body) as Record<string, string>;
    expect(headers).toMatchObject({
      host: 'one.localhost',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'one.localhost',
      'x-forwarded-port': String(port),
    });
    expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    expect(Object.keys(headers)).not.toContain('forwarded');
    expect(Object.keys(headers)).not.toContain('x-forwarded-user');
  });

  it('carry WebSockets and event streams', async () => {
    await platform.createApp('stream');
    await routed('stream', 'stream-1');
    const { instance, socket } = await openTunnel(port, 'stream.localhost');
    expect(instance).toBe('stream-1');
    expect(await echo(socket, 'ping')).toBe('ping');
    socket.destroy();
    const first = await new Promise((resolve, reject) => {
      const headers = { host: 'stream.localhost', accept: 'text/event-stream' };
      const sent = request({ host: '127.0.0.1', port, path: '/events', headers });
      sent.on('error', reject);
      sent.on('response', (response) =>
        response.once('data', (data: Buffer) => {
          resolve(data.toString());
          sent.destroy();
        }),
      );
      sent.end();
    });
    expect(first).toBe('data: hello\n\n');
  });
});

describe('an instance that is retired', () => {
  it('gets no new request, finishes what it began, and is then drained', async () => {
    await routed('one', 'one-2');
    const slow = [1, 2, 3, 4].map(() => ask(port, { host: 'one.localhost', path: '/slow?ms=800' }));
    // All four are under way: the next request is answered behind them.
    await bodyOf('one.localhost');
    await platform.retire('one-1');
    await platform.recorded('one-1', 'unrouted');
    expect(new Set(await Promise.all([1, 2, 3, 4].map(() => bodyOf('one.localhost'))))).toEqual(
      new Set(['one-2']),
    );
    expect((await Promise.all(slow)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    await platform.recorded('one-1', 'drained');
  });

  it('keeps a tunnel until the drain deadline, and no longer', async () => {
    await platform.createApp('tunnel', 1);
    await routed('tunnel', 'tunnel-1');
    const { socket } = await openTunnel(port, 'tunnel.localhost');
    await platform.retire('tunnel-1');
    await platform.recorded('tunnel-1', 'unrouted');
    expect(await echo(socket, 'still here')).toBe('still here');
    if (!socket.destroyed) await closed(socket);
    await platform.recorded('tunnel-1', 'drained');
  });

  it('is drained, too, when it never was routed', async () => {
    await platform.createApp('never');
    await platform.ready('never', 'never-0', 22_990);
    await platform.retire('never-0');
    await platform.recorded('never-0', 'drained');
  });
});

describe('an instance whose process ended', () => {
  it('is out at once, and back when it is ready again', async () => {
    await platform.createApp('crash');
    await routed('crash', 'crash-1');
    await routed('crash', 'crash-2');
    await platform.exited('crash-1');
    await platform.recorded('crash-1', 'unrouted');
    for (let i = 0; i < 6; i += 1) expect(await bodyOf('crash.localhost')).toBe('crash-2');
    await platform.started('crash-1', 1);
    await platform.readyAgain('crash-1');
    await platform.recorded('crash-1', 'routed');
    await expect.poll(() => bodyOf('crash.localhost'), PATIENTLY).toBe('crash-1');
  });

  it('comes back by itself when nobody told the log that it was gone', async () => {
    await platform.createApp('silent');
    const first = await routed('silent', 'silent-1');
    await routed('silent', 'silent-2');
    await first.kill();
    for (let i = 0; i < 20; i += 1) {
      expect(await ask(port, { host: 'silent.localhost', method: 'POST' })).toMatchObject({
        status: 200,
        body: 'silent-2',
      });
    }
    await startInstance('silent-1', first.port);
    await expect.poll(() => bodyOf('silent.localhost'), PATIENTLY).toBe('silent-1');
  });

  it('does not lose its place because it answers 500', async () => {
    await platform.createApp('broken');
    await routed('broken', 'broken-1');
    for (let i = 0; i < 20; i += 1) {
      expect(await ask(port, { host: 'broken.localhost', path: '/broken' })).toMatchObject({
        status: 500,
        body: 'broken-1',
      });
    }
  });
});

describe('an instance that is unready', () => {
  it('gets no new request, ends those under way, and is back when it is ready again', async () => {
    await platform.createApp('ill');
    const ledger: Ledger = new Map();
    await routed('ill', 'ill-1', ledger);
    await routed('ill', 'ill-2', ledger);
    const slow = ['a', 'b'].map((key) =>
      ask(port, {
        host: 'ill.localhost',
        path: '/slow?ms=800',
        method: 'POST',
        headers: { 'x-key': key },
      }),
    );
    await expect.poll(() => ledger.size, PATIENTLY).toBe(2);
    await platform.unready('ill-1');
    await platform.recorded('ill-1', 'unrouted');
    for (let i = 0; i < 6; i += 1) expect(await bodyOf('ill.localhost')).toBe('ill-2');
    // Round robin: one of the two is at each.
    const ended = await Promise.all(slow);
    expect(ended.map(({ status }) => status)).toEqual([200, 200]);
    expect(ended.map(({ body }) => body).toSorted()).toEqual(['ill-1', 'ill-2']);
    await platform.readyAgain('ill-1');
    await platform.recorded('ill-1', 'routed');
    await expect.poll(() => bodyOf('ill.localhost'), PATIENTLY).toBe('ill-1');
  });

  it('is answered for at once where it is the only one', async () => {
    await platform.createApp('alone');
    await routed('alone', 'alone-1');
    await platform.unready('alone-1');
    await platform.recorded('alone-1', 'unrouted');
    expect(await ask(port, { host: 'alone.localhost' })).toMatchObject({
      status: 503,
      headers: { 'retry-after': '5' },
    });
  });
});

describe('an app', () => {
  it('that is destroyed leaves nothing behind; its place serves another one', async () => {
    await platform.createApp('gone');
    const instance = await routed('gone', 'gone-1');
    await platform.app('gone', { type: 'DestroyApp', confirm: 'gone' });
    await platform.retire('gone-1', 'destroyed');
    await platform.recorded('gone-1', 'drained');
    await platform.stopped('gone-1');
    expect(await ask(port, { host: 'gone.localhost' })).toMatchObject({ status: 404 });
    await instance.kill();

    // The port goes to an instance of another app.
    await platform.createApp('heir');
    await startInstance('heir-1', instance.port);
    await platform.ready('heir', 'heir-1', instance.port);
    await platform.recorded('heir-1', 'routed');
    expect(await bodyOf('heir.localhost')).toBe('heir-1');
    expect(await ask(port, { host: 'gone.localhost' })).toMatchObject({ status: 404 });
  });
});

describe('an app in maintenance', () => {
  const maintenance = {
    by: { kind: 'user' as const, id: 'u1', name: 'ann' },
    why: 'it moves',
    since: '2026-11-26T10:00:00.000Z',
    page: '<h1>Zurück um 9</h1>',
    allow: [],
  };

  it('shows its page while its instances come and go, also after router-sync was away, and answers again', async () => {
    await platform.createApp('shut');
    const answer = () => ask(port, { host: 'shut.localhost', headers: { accept: 'text/html' } });
    const own = { status: 503, body: `${maintenance.page}\n` };
    await platform.app('shut', { type: 'BeginMaintenance', ...maintenance });
    await expect.poll(answer, PATIENTLY).toMatchObject(own);
    const instance = await routed('shut', 'shut-1');
    expect(await answer()).toMatchObject(own);
    await platform.stop();
    expect(await answer()).toMatchObject(own);
    await platform.app('shut', { type: 'EndMaintenance' });
    await platform.start();
    await expect.poll(answer, PATIENTLY).toMatchObject({ status: 200, body: 'shut-1' });
    await platform.app('shut', {
      type: 'BeginMaintenance',
      ...maintenance,
      allow: ['127.0.0.0/8'],
      page: null,
    });
    expect(await answer()).toMatchObject({ status: 200 });
    await instance.kill();
  });

  it('says that it starts before it is there', async () => {
    await platform.createApp('soon');
    await platform.scheduled('soon', 'soon-1', 22_201);
    await expect
      .poll(() => ask(port, { host: 'soon.localhost' }), PATIENTLY)
      .toMatchObject({ status: 503, headers: { 'x-shiplog-router': 'starting' } });
  });
});

describe('a port that another program has', () => {
  let squatter: Server;
  let taken: number;
  const whoAtPort = () => ask(taken, { host: 'any' }).then(({ body }) => body, String);

  it('is named, and keeps no other route waiting', async () => {
    taken = await freePort();
    squatter = createServer((_, response) => response.end('squatter'));
    await once(squatter.listen(taken, '127.0.0.1'), 'listening');
    await platform.createApp('ported');
    await routed('ported', 'ported-1');
    const added = { process: 'web', containerPort: null, baseVersion: null };
    await platform.app('ported', { type: 'AddPort', port: taken, ...added });
    const said = expect.stringMatching(
      `port ${taken} is taken by another program.*app-quarantined`,
    ) as string;
    await expect.poll(() => platform.logged, PATIENTLY).toContainEqual(said);
    await platform.createApp('meanwhile');
    await routed('meanwhile', 'meanwhile-1');
    expect(await bodyOf('meanwhile.localhost')).toBe('meanwhile-1');
    expect(await bodyOf('ported.localhost')).toBe('ported-1');
    expect(await whoAtPort()).toBe('squatter');
  });

  it('is served by itself once it is free', async () => {
    squatter.closeAllConnections();
    squatter.close();
    await expect.poll(whoAtPort, PATIENTLY).toBe('ported-1');
  });

  it('stays when router-sync goes, and is its own when that is back', async () => {
    await platform.stop();
    expect(await whoAtPort()).toBe('ported-1');
    await platform.start();
    await routed('ported', 'ported-2');
    const both = async () => new Set([await whoAtPort(), await whoAtPort()]);
    await expect.poll(both, PATIENTLY).toEqual(new Set(['ported-1', 'ported-2']));
  });
});

describe('under load', () => {
  const isOurs = (instance: string): boolean => instance.startsWith('load');
  const deploys = 6;

  it('no request fails while instances are replaced, one after the other', async () => {
    await platform.createApp('load', 10);
    const ledger: Ledger = new Map();
    const load = startLoad({ port, host: 'load.localhost', ledger, isOurs });
    let current = [
      await routed('load', 'load-a0', ledger),
      await routed('load', 'load-b0', ledger),
    ];
    const before = await load.stop();
    expect(before.failed.length).toBeGreaterThan(0);

    const measured = startLoad({ port, host: 'load.localhost', ledger: ledger, isOurs });
    ledger.clear();
    for (let n = 1; n <= deploys; n += 1) {
      const next = [
        await routed('load', `load-a${n}`, ledger),
        await routed('load', `load-b${n}`, ledger),
      ];
      for (const old of current) {
        await platform.retire(old.name);
        await platform.recorded(old.name, 'drained');
        await old.kill();
        await platform.stopped(old.name);
      }
      current = next;
    }
    const { answered, failed } = await measured.stop();
    expect(failed).toEqual([]);
    expect(answered).toBeGreaterThan(500);
  });

  it('requests do fail when an instance is killed before it was drained: the test can fail', async () => {
    await platform.createApp('loadless', 10);
    const ledger: Ledger = new Map();
    let current = await routed('loadless', 'load-c0', ledger);
    const load = startLoad({ port, host: 'loadless.localhost', ledger, isOurs });
    for (let n = 1; n <= deploys; n += 1) {
      const next = await routed('loadless', `load-c${n}`, ledger);
      await expect.poll(() => load.answered(), PATIENTLY).toBeGreaterThan(n * 60);
      await current.kill();
      await platform.retire(current.name);
      current = next;
    }
    expect((await load.stop()).failed.length).toBeGreaterThan(0);
  });
});
