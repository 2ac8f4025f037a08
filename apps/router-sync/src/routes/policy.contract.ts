import { createServer, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TrafficPolicy } from '@shiplog/events';
import { MEDIA_TYPES, renderPage } from '../pages/pages.js';
import { ask } from '../testing/client.js';
import { startInstance, type Ledger } from '../testing/test-instance.js';
import { closed, echo, openTunnel } from '../testing/upgrade.js';
import { PATIENTLY } from '../testing/wait-for.js';
import type { RestartedRouter } from './matches.contract.js';
import { rulesOf } from './traffic-rules.js';

/** What a router does by the traffic policy of an app: of both kinds, with real requests and answers. */
export const describePolicy = (name: string, create: () => Promise<RestartedRouter>): void => {
  describe(`${name} and the traffic policy of an app`, () => {
    let underTest: RestartedRouter;
    const ledger: Ledger = new Map();
    const open: (() => unknown)[] = [];
    let apps = 0;
    const to = (host: string, options: Partial<Parameters<typeof ask>[1]> = {}) =>
      ask(underTest.port, { host, ...options });
    const police = (appId: string, policy: TrafficPolicy) =>
      underTest.router.apply([{ kind: 'police', appId, rules: rulesOf(policy) }]);
    /** An app of its own with so many instances, and its host. */
    const app = async (policy: TrafficPolicy, instances = 1) => {
      apps += 1;
      const appId = `p${apps}`;
      const host = `${appId}.localhost`;
      for (let i = 1; i <= instances; i += 1) {
        const instance = await startInstance(`${appId}-${i}`, 0, ledger);
        open.push(() => instance.kill());
        const { name: instanceId, port } = instance;
        const endpoint = { instanceId, appId, host: '127.0.0.1', port, weight: 1 };
        await underTest.router.apply([{ kind: 'serve', endpoint }]);
      }
      await underTest.router.apply([
        { kind: 'police', appId, rules: rulesOf(policy) },
        { kind: 'bind-host', host, appId },
      ]);
      return { appId, host };
    };
    const statuses = async (host: string, count: number, headers: Record<string, string> = {}) => {
      const seen: number[] = [];
      for (let i = 0; i < count; i += 1) seen.push((await to(host, { headers })).status);
      return seen;
    };

    beforeAll(async () => {
      underTest = await create();
    });
    afterAll(async () => {
      await underTest.close();
      for (const close of open) close();
    });

    it('says which policy an app has, another one after a change, and none after it was taken away', async () => {
      const { appId, host } = await app({ bodyBytes: 10, deny: ['203.0.113.0/24'] });
      const now = async () => (await underTest.router.observe()).policies.get(appId);
      expect(await now()).toBe(rulesOf({ bodyBytes: 10, deny: ['203.0.113.0/24'] }).id);
      await police(appId, { deny: ['127.0.0.0/8'] });
      expect(await now()).toBe(rulesOf({ deny: ['127.0.0.0/8'] }).id);
      expect(await to(host)).toMatchObject({ status: 403 });
      await underTest.router.apply([{ kind: 'unpolice', appId }]);
      expect(await now()).toBeUndefined();
      expect(await to(host)).toMatchObject({ status: 200 });
    });

    it('answers only clients of allowed networks, and none of denied ones, by the address that it sees', async () => {
      const { appId, host } = await app({ allow: ['127.0.0.0/30', '2001:db8::/32'] });
      const claims = {
        'x-forwarded-for': '10.1.1.1',
        'x-real-ip': '10.1.1.1',
        forwarded: 'for=10.1.1.1',
      };
      expect(await to(host, { headers: claims })).toMatchObject({ status: 200 });
      await police(appId, { allow: ['10.0.0.0/8'] });
      expect(await to(host, { headers: claims })).toMatchObject({ status: 403 });
      await police(appId, { allow: ['127.0.0.0/8'], deny: ['127.0.0.1/32'] });
      expect(await to(host)).toMatchObject({ status: 403 });
      await police(appId, { deny: ['127.0.0.2/31', '::/0'] });
      expect(await to(host)).toMatchObject({ status: 200 });
      await police(appId, { deny: ['0.0.0.0/0'] });
      expect(await to(host)).toMatchObject({ status: 403 });
    });

    it('answers 429 with Retry-After above the rate of an app, counts each app for itself, and serves again later', async () => {
      const rate = { requests: 2, per: 'second', burst: 2, by: 'address' } as const;
      const [limited, other] = [await app({ rate }), await app({ rate })];
      const seen = await Promise.all(Array.from({ length: 12 }, () => to(limited.host)));
      const refused = seen.filter(({ status }) => status === 429);
      expect(refused.length).toBeGreaterThanOrEqual(6);
      expect(seen.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(4);
      expect(refused[0]?.headers['retry-after']).toMatch(/^[1-9]\d*$/);
      expect(await to(other.host)).toMatchObject({ status: 200 });
      await expect.poll(async () => (await to(limited.host)).status, PATIENTLY).toBe(200);
    });

    it('counts clients by a header, each value for itself, and by their address without it', async () => {
      const rate = { requests: 3, per: 'minute', burst: 0, by: 'header:x-api-key' } as const;
      const { host } = await app({ rate });
      expect(await statuses(host, 4, { 'X-Api-Key': 'k1' })).toEqual([200, 200, 200, 429]);
      expect(await statuses(host, 4, { 'x-api-key': 'k2; \\1' })).toEqual([200, 200, 200, 429]);
      expect(await statuses(host, 4)).toEqual([200, 200, 200, 429]);
      expect(await statuses(host, 1, { 'x-not-x-api-key': 'k3' })).toEqual([429]);
    });

    it('holds at a wildcard and a path of the app as at its host, and counts by what a proxy before it says', async () => {
      const by = 'header:x-forwarded-for';
      const rate = { requests: 2, per: 'minute', burst: 0, by } as const;
      const { appId, host } = await app({ rate });
      await underTest.router.apply([
        { kind: 'bind-host', host: `*.${host}`, appId },
        { kind: 'bind-host', host: `path.localhost/${appId}`, appId },
      ]);
      const places = [host, `any.${host}`, `path.localhost`] as const;
      for (const [i, place] of places.entries()) {
        const headers = { 'x-forwarded-for': `10.0.0.${i}` };
        const seen = [];
        for (let n = 0; n < 3; n += 1)
          seen.push((await to(place, { path: `/${appId}`, headers })).status);
        expect([place, ...seen]).toEqual([place, 200, 200, 429]);
      }
      await police(appId, { deny: ['127.0.0.0/8'] });
      for (const place of places)
        expect(await to(place, { path: `/${appId}` })).toMatchObject({ status: 403 });
    });

    it('answers 413 to a body that is too long and 411 to one of unknown length, before the app sees it', async () => {
      const { host } = await app({ bodyBytes: 1000 });
      const post = (key: string, headers: Record<string, string>) =>
        to(host, { method: 'POST', headers: { 'x-key': key, ...headers } });
      expect(
        await raw(underTest.port, host, 'fits', 'Content-Length: 1000', 'x'.repeat(1000)),
      ).toBe(200);
      expect(await raw(underTest.port, host, 'long', 'Content-Length: 1001', 'x'.repeat(10))).toBe(
        413,
      );
      const huge = 'Content-Length: 4294967297';
      expect(await raw(underTest.port, host, 'huge', huge, 'x'.repeat(10))).toBe(413);
      const chunks = 'Transfer-Encoding: chunked';
      expect(await raw(underTest.port, host, 'chunks', chunks, '5\r\nhello\r\n0\r\n\r\n')).toBe(
        411,
      );
      expect(await post('none', {})).toMatchObject({ status: 200 });
      expect([...['fits', 'long', 'huge', 'chunks', 'none'].map((key) => ledger.get(key))]).toEqual(
        [1, undefined, undefined, undefined, 1],
      );
    });

    it('changes headers of requests and answers, whatever their values are', async () => {
      const odd = `a "b" 'c' %[src] \${x} \\ ; # {} $host %{y}`;
      const { host } = await app({
        requestHeaders: {
          set: { 'x-tenant': odd, 'x-own': 'router' },
          remove: ['x-debug', 'accept'],
        },
        responseHeaders: {
          set: { 'x-frame-options': 'DENY', 'x-odd': odd, 'x-shiplog-router': 'no-instance' },
          remove: ['x-instance'],
        },
      });
      const headers = { 'x-own': 'client', 'X-Debug': '1', accept: 'text/html', 'x-kept': 'yes' };
      const answer = await to(host, { path: '/headers', headers });
      const seen = JSON.parse(answer.body) as IncomingHttpHeaders;
      expect(seen).toMatchObject({ 'x-tenant': odd, 'x-own': 'router', 'x-kept': 'yes' });
      expect(Object.keys(seen)).not.toContain('x-debug');
      expect(Object.keys(seen)).not.toContain('accept');
      expect(answer.headers).toMatchObject({ 'x-frame-options': 'DENY', 'x-odd': odd });
      expect(Object.keys(answer.headers)).not.toContain('x-instance');
      // That would be the word of the router.
      expect(Object.keys(answer.headers)).not.toContain('x-shiplog-router');
    });

    it('brings a client back to its instance, and to another one without a failure when that one drains', async () => {
      const { appId, host } = await app({ sticky: true }, 3);
      const first = await to(host);
      const [cookie = ''] = first.headers['set-cookie'] ?? [];
      expect(cookie).toMatch(/^shiplog_session=[0-9a-f]{32}; Path=\/; HttpOnly; SameSite=Lax$/);
      const session = { cookie: `a=b; ${cookie.split(';')[0]}; c=d` };
      const home = first.body;
      for (let i = 0; i < 9; i += 1) {
        const answer = await to(host, { headers: session });
        expect([answer.body, answer.headers['set-cookie']]).toEqual([home, undefined]);
      }
      expect(
        new Set((await Promise.all([1, 2, 3, 4, 5, 6].map(() => to(host)))).map((a) => a.body))
          .size,
      ).toBe(3);
      const forged = await to(host, { headers: { cookie: `shiplog_session=${'0'.repeat(32)}` } });
      expect(forged.headers['set-cookie']).toHaveLength(1);

      const slow = to(host, { path: '/slow?ms=400', headers: session });
      const { instance, socket } = await openTunnel(underTest.port, host);
      const sessions = async () => (await underTest.router.observe()).endpoints.get(home)?.sessions;
      await underTest.router.apply([{ kind: 'drain', instanceId: home }]);
      const moved = await to(host, { headers: session });
      expect([moved.status, moved.body === home]).toEqual([200, false]);
      expect(moved.headers['set-cookie']).toHaveLength(1);
      expect(await slow).toMatchObject({ status: 200, body: home });
      expect(await echo(socket, 'still here')).toBe('still here');
      socket.destroy();
      await closed(socket);
      await expect.poll(sessions, PATIENTLY).toBe(0);
      expect(instance).toMatch(new RegExp(`^${appId}-`));
    });

    it('keeps its cookie from the app, and the others as they are', async () => {
      const { host } = await app({ sticky: true });
      const { host: other } = await app({ bodyBytes: 10 });
      const { host: plain, appId } = await app({ bodyBytes: 10 });
      await underTest.router.apply([{ kind: 'unpolice', appId }]);
      const ours = `shiplog_session=${'0'.repeat(32)}`;
      const seenBy = async (at: string, cookie: string): Promise<unknown> => {
        const { body } = await to(at, { path: '/headers', headers: { cookie } });
        return (JSON.parse(body) as IncomingHttpHeaders).cookie;
      };
      for (const one of [host, other, plain]) {
        for (const [sent, seen] of [
          [ours, undefined],
          [`a=b; ${ours}; c=d`, 'a=b; c=d'],
          [`${ours}; a=b`, 'a=b'],
          [`a=b; ${ours}`, 'a=b'],
          [`a=b;${ours};c=d`, 'a=b;c=d'],
          ['a=b; my_shiplog_session=1', 'a=b; my_shiplog_session=1'],
          [`shiplog_session2=x; ${ours}; c=`, 'shiplog_session2=x; c='],
        ] as const) {
          const got = await seenBy(one, sent);
          expect(typeof got === 'string' ? got.replaceAll('; ', ';') : got).toBe(
            seen?.replaceAll('; ', ';'),
          );
        }
      }
    });

    it('leads nobody back to an instance that has no part of the requests', async () => {
      const { appId, host } = await app({ sticky: true }, 2);
      const { body: home, headers } = await to(host);
      const session = { cookie: headers['set-cookie']?.[0]?.split(';')[0] ?? '' };
      await underTest.router.apply([{ kind: 'weigh', instanceId: home, weight: 0 }]);
      expect((await to(host, { headers: session })).body).not.toBe(home);
      await underTest.router.apply([{ kind: 'weigh', instanceId: home, weight: 1 }]);
      expect((await to(host, { headers: session })).body).toBe(home);
      await underTest.router.apply([{ kind: 'unpolice', appId }]);
      expect((await to(host, { headers: session })).headers['set-cookie']).toBeUndefined();
    });

    it('gives each instance so many requests at once, lets some wait, and answers 503 to the rest', async () => {
      const { appId, host } = await app({ concurrency: { perInstance: 1, queue: 2 } }, 2);
      const begun = Date.now();
      const all = await Promise.all(
        Array.from({ length: 7 }, () => to(host, { path: '/slow?ms=600' })),
      );
      const served = all.filter(({ status }) => status === 200);
      const refused = all.filter(({ status }) => status === 503);
      expect(served.length + refused.length).toBe(7);
      // Two threads of a proxy may each see the last place in the queue free.
      expect([4, 5]).toContain(served.length);
      for (const { headers, body } of refused) {
        expect(headers).toMatchObject({
          'x-shiplog-router': 'busy',
          'retry-after': '1',
          'content-type': MEDIA_TYPES.text,
        });
        expect(body).toBe(`${renderPage('busy', 'text')}\n`);
      }
      expect(Date.now() - begun).toBeGreaterThanOrEqual(1_200);
      // As many as before when it is over, and any number without the limit.
      expect(await statuses(host, 3)).toEqual([200, 200, 200]);
      await underTest.router.apply([{ kind: 'unpolice', appId }]);
      const free = await Promise.all(
        Array.from({ length: 7 }, () => to(host, { path: '/slow?ms=100' })),
      );
      expect(free.map(({ status }) => status)).toEqual(free.map(() => 200));
    });

    it('says of an app with a limit that it has no instance where it has none, and not that it is busy', async () => {
      const { host } = await app({ concurrency: { perInstance: 1, queue: 0 } }, 0);
      const { status, headers } = await to(host);
      expect([status, headers['x-shiplog-router']]).toEqual([503, 'no-instance']);
    });

    it('lets a request wait for 5 s at most', async () => {
      const { host, appId } = await app({ concurrency: { perInstance: 1, queue: 5 } });
      const first = to(host, { path: '/slow?ms=7000' });
      const inHand = async () => (await underTest.router.underWay()).instances.get(`${appId}-1`);
      await expect.poll(inHand, PATIENTLY).toBe(1);
      const begun = Date.now();
      const waiting = await to(host);
      expect(waiting).toMatchObject({ status: 503 });
      expect(waiting.headers['retry-after']).toMatch(/^\d+$/);
      expect(Date.now() - begun).toBeGreaterThanOrEqual(4_500);
      expect(await first).toMatchObject({ status: 200 });
    }, 20_000);

    it('ends a request whose instance is silent for too long, a tunnel after its own time', async () => {
      const { host } = await app({ responseSeconds: 1, tunnelSeconds: 2 });
      expect(await to(host, { path: '/slow?ms=3000' })).toMatchObject({ status: 504 });
      const { socket } = await openTunnel(underTest.port, host);
      expect(await echo(socket, 'here')).toBe('here');
      const begun = Date.now();
      await closed(socket);
      expect(Date.now() - begun).toBeGreaterThan(1_500);
      expect(Date.now() - begun).toBeLessThan(10_000);
    });

    it('carries a POST out once, whatever the policy', async () => {
      const { appId, host } = await app({
        sticky: true,
        concurrency: { perInstance: 5, queue: 5 },
        rate: { requests: 1000, per: 'second', burst: 0, by: 'address' },
        responseSeconds: 5,
      });
      let seen = 0;
      const dying = createServer((request, response) => {
        if (request.method === 'OPTIONS') return response.end();
        seen += 1;
        return request.socket.destroy();
      });
      dying.listen(0, '127.0.0.1');
      await once(dying, 'listening');
      open.push(() => dying.close());
      const { port } = dying.address() as { port: number };
      const endpoint = { instanceId: `${appId}-x`, appId, host: '127.0.0.1', port, weight: 1 };
      await underTest.router.apply([{ kind: 'serve', endpoint }]);
      const keys = Array.from({ length: 10 }, (_, i) => `${appId}-key-${i}`);
      let failed = 0;
      for (const key of keys) {
        const { status } = await to(host, { method: 'POST', headers: { 'x-key': key } });
        if (status === 502) failed += 1;
        expect([key, ledger.get(key) ?? 0]).toEqual([key, status === 200 ? 1 : 0]);
      }
      expect(seen).toBe(failed);
      expect(failed).toBeGreaterThan(0);
    });

    it('keeps policies through a restart of the proxy without anybody who tells it again', async () => {
      const policy: TrafficPolicy = {
        sticky: true,
        deny: ['127.0.0.1/32'],
        rate: { requests: 2, per: 'minute', burst: 0, by: 'header:x-api-key' },
        requestHeaders: { set: { 'x-tenant': 'a b' }, remove: [] },
      };
      const { appId, host } = await app(policy);
      await underTest.restart();
      expect(await to(host)).toMatchObject({ status: 403 });
      expect((await underTest.router.observe()).policies.get(appId)).toBe(rulesOf(policy).id);
      const { deny: _, ...open } = policy;
      await police(appId, open);
      expect(await statuses(host, 3, { 'x-api-key': 'a' })).toEqual([200, 200, 429]);
      const { body } = await to(host, { path: '/headers', headers: { 'x-api-key': 'b' } });
      expect(JSON.parse(body)).toMatchObject({ 'x-tenant': 'a b' });
    });
  });
};

/** The status of an answer to one message, also when the rest of the body is not waited for. */
const raw = (
  port: number,
  host: string,
  key: string,
  header: string,
  body: string,
): Promise<number> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    const told = (): void => resolve(Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0));
    socket.on('data', (data: Buffer) => {
      text += data.toString();
      told();
      socket.destroy();
    });
    socket.on('error', () => undefined).on('close', told);
    socket.setTimeout(5_000, () => socket.destroy());
    socket.write(`POST / HTTP/1.1\r\nHost: ${host}\r\nX-Key: ${key}\r\n${header}\r\n\r\n${body}`);
  });
