import { createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderPage } from '../pages/pages.js';
import { ask } from '../testing/client.js';
import { startInstance, type Ledger, type TestInstance } from '../testing/test-instance.js';
import { closed, echo, openTunnel } from '../testing/upgrade.js';
import { PATIENTLY } from '../testing/wait-for.js';
import type { RouterUnderTest } from './router.contract.js';

export interface ServingRouter extends RouterUnderTest {
  /** Where it takes requests. */
  readonly port: number;
}

/** What clients and instances see of a router: of every one that serves, with real connections. */
export const describeServing = (name: string, create: () => Promise<ServingRouter>): void => {
  describe(`${name} as it serves`, () => {
    let underTest: ServingRouter;
    let instance: TestInstance;
    const ledger: Ledger = new Map();
    const app = { host: 'a.localhost' };
    const others: { close(): unknown }[] = [];
    const serve = (instanceId: string, port: number, appId = 'a', weight = 1) =>
      underTest.router.apply([
        { kind: 'serve', endpoint: { instanceId, appId, host: '127.0.0.1', port, weight } },
        { kind: 'bind-host', host: `${appId}.localhost`, appId },
      ]);
    const to = (options: Parameters<typeof ask>[1]) => ask(underTest.port, options);
    const stateOf = async (id: string) => {
      const endpoint = (await underTest.router.observe()).endpoints.get(id);
      return [endpoint?.state, endpoint?.sessions];
    };
    /** Takes connections and does with them what it is told; counts them. */
    const rawInstance = async (onRequest: (socket: Socket) => void) => {
      const seen: string[] = [];
      const server: Server = createServer((socket) => {
        socket.on('error', () => undefined);
        socket.on('data', (data) => {
          // Not what a router itself asks.
          if (data.toString().startsWith('OPTIONS')) return socket.end('HTTP/1.1 204 No\r\n\r\n');
          seen.push(data.toString());
          return onRequest(socket);
        });
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      others.push(server);
      return { port: (server.address() as { port: number }).port, seen };
    };

    beforeAll(async () => {
      underTest = await create();
      instance = await startInstance('a1', 0, ledger);
      others.push({ close: () => instance.kill() });
      await serve('a1', instance.port);
    });
    afterAll(async () => {
      await underTest.close();
      for (const other of others) other.close();
    });

    it('answers 404 for a host that nobody has, and 503 with Retry-After where there is no instance', async () => {
      await underTest.router.apply([{ kind: 'bind-host', host: 'none.localhost', appId: 'none' }]);
      expect(await to({ host: 'nobody.localhost' })).toMatchObject({ status: 404 });
      // Two names are no host: HAProxy 3 says so.
      const { status } = await to({ host: 'nobody.localhost,a.localhost' });
      expect([400, 404]).toContain(status);
      expect(await to({ host: 'none.localhost' })).toMatchObject({
        status: 503,
        headers: { 'retry-after': '5' },
      });
    });

    it('finds the app by its host, whatever the case, port or final dot', async () => {
      for (const host of ['a.localhost', 'A.LOCALHOST', 'a.localhost:80', 'a.localhost.']) {
        expect(await to({ host })).toMatchObject({ status: 200, body: 'a1' });
      }
    });

    it('tells the app what it sees of the client, not what the client claims', async () => {
      const { body } = await to({
        ...app,
        path: '/headers',
        headers: {
          'x-forwarded-for': '6.6.6.6',
          'x-forwarded-proto': 'https',
          'x-forwarded-host': 'bank.example.com',
          'x-forwarded-user': 'root',
          x_forwarded_for: '6.6.6.6',
          'x-real-ip': '6.6.6.6',
          forwarded: 'for=6.6.6.6',
          'x-request-id': 'mine',
          'x-own': 'kept',
        },
      });
      expect(body).not.toContain('6.6.6.6');
      const headers = JSON.parse(body) as Record<string, string>;
      expect(headers).toMatchObject({
        host: 'a.localhost',
        'x-forwarded-for': '127.0.0.1',
        'x-forwarded-proto': 'http',
        'x-forwarded-host': 'a.localhost',
        'x-forwarded-port': String(underTest.port),
        'x-real-ip': '127.0.0.1',
        'x-own': 'kept',
      });
      expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
      expect(Object.keys(headers)).not.toContain('forwarded');
      expect(Object.keys(headers)).not.toContain('x-forwarded-user');
    });

    it('carries WebSockets and event streams, and no change to HTTP/2', async () => {
      const { instance: by, socket } = await openTunnel(underTest.port, app.host);
      expect([by, await echo(socket, 'ping')]).toEqual(['a1', 'ping']);
      socket.destroy();
      const headers = { connection: 'Upgrade, HTTP2-Settings', 'http2-settings': 'AAMAAABk' };
      expect(await to({ ...app, headers: { ...headers, upgrade: 'H2C' } })).toMatchObject({
        status: 200,
      });
      const first = await new Promise((resolve, reject) => {
        const sent = request(
          {
            port: underTest.port,
            path: '/events',
            headers: { ...app, accept: 'text/event-stream' },
          },
          (response) =>
            response.once('data', (data: Buffer) => {
              resolve(data.toString());
              sent.destroy();
            }),
        );
        sent.on('error', reject);
        sent.end();
      });
      expect(first).toBe('data: hello\n\n');
    });

    it('gives each instance its part of the requests, none or all, and counts what it answered', async () => {
      const [old, fresh] = [await startInstance('w1', 0), await startInstance('w2', 0)];
      others.push({ close: () => Promise.all([old.kill(), fresh.kill()]) });
      await serve('w1', old.port, 'w');
      await serve('w2', fresh.port, 'w', 0);
      // A request is counted when it has ended, a moment after its answer was read.
      const counted = async () => {
        const traffic = await underTest.router.traffic('w');
        return ['w1', 'w2'].map((id) => traffic.get(id)?.requests);
      };
      const send = async (count: number) => {
        for (let i = 0; i < count; i += 1) await to({ host: 'w.localhost' });
      };
      await send(20);
      await expect.poll(counted, PATIENTLY).toEqual([20, 0]);
      await underTest.router.apply([
        { kind: 'weigh', instanceId: 'w2', weight: 1 },
        { kind: 'weigh', instanceId: 'w1', weight: 4 },
      ]);
      await send(20);
      await expect.poll(counted, PATIENTLY).toEqual([36, 4]);
      await underTest.router.apply([{ kind: 'weigh', instanceId: 'w1', weight: 0 }]);
      await send(10);
      await expect.poll(counted, PATIENTLY).toEqual([36, 14]);
      await to({ host: 'w.localhost', path: '/broken' });
      await expect.poll(counted, PATIENTLY).toEqual([36, 15]);
      expect((await underTest.router.traffic('w')).get('w2')).toMatchObject({ errors: 1 });
    });

    it('counts what is under way at an instance that is taken out, and ends it when told', async () => {
      const leaving = await startInstance('d1', 0, ledger);
      others.push({ close: () => leaving.kill() });
      await serve('d1', leaving.port, 'd');
      const slow = to({
        host: 'd.localhost',
        path: '/slow?ms=300',
        method: 'POST',
        headers: { 'x-key': 'd' },
      });
      const { socket } = await openTunnel(underTest.port, 'd.localhost');
      await expect.poll(() => ledger.get('d'), PATIENTLY).toBe(1);
      await underTest.router.apply([{ kind: 'drain', instanceId: 'd1' }]);
      expect(await stateOf('d1')).toEqual(['draining', 2]);
      expect(await to({ host: 'd.localhost' })).toMatchObject({ status: 503 });
      expect(await slow).toMatchObject({ status: 200, body: 'd1' });
      await expect.poll(() => stateOf('d1'), PATIENTLY).toEqual(['draining', 1]);
      expect(await echo(socket, 'still here')).toBe('still here');
      const end = closed(socket);
      await underTest.router.apply([{ kind: 'cut', instanceId: 'd1' }]);
      await end;
      await expect.poll(() => stateOf('d1'), PATIENTLY).toEqual(['draining', 0]);
    });

    it('asks another instance where none was reached, whatever the method, and one that is back again', async () => {
      const [gone, there] = [await startInstance('r1', 0), await startInstance('r2', 0)];
      others.push({ close: () => there.kill() });
      await serve('r1', gone.port, 'r');
      await serve('r2', there.port, 'r');
      await gone.kill();
      for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'POST', 'POST']) {
        expect(await to({ host: 'r.localhost', method })).toMatchObject({
          status: 200,
          body: 'r2',
        });
      }
      const back = await startInstance('r1', gone.port);
      others.push({ close: () => back.kill() });
      await expect.poll(async () => (await to({ host: 'r.localhost' })).body, PATIENTLY).toBe('r1');
    });

    it('answers 503 where its only instance refuses the connection', async () => {
      const gone = await startInstance('g1', 0);
      await serve('g1', gone.port, 'g');
      await gone.kill();
      expect(await to({ host: 'g.localhost', method: 'POST' })).toMatchObject({
        status: 503,
        headers: { 'retry-after': '5' },
      });
    });

    it('asks its only instance again where that closed a connection that was kept', async () => {
      let isFirst = true;
      const closing = await rawInstance((socket) => {
        if (isFirst) socket.destroy();
        else socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
        isFirst = false;
      });
      await serve('k1', closing.port, 'k');
      expect(await to({ host: 'k.localhost' })).toMatchObject({ status: 200, body: 'ok' });
    });

    it('sends what may have been carried out to nobody else', async () => {
      const dying = await rawInstance((socket) => socket.destroy());
      await serve('p1', dying.port, 'p');
      await serve('p2', instance.port, 'p');
      for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
        dying.seen.length = 0;
        const key = `p-${method}`;
        const answers = [1, 2].map(() =>
          to({ host: 'p.localhost', method, headers: { 'x-key': key } }),
        );
        const statuses = (await Promise.all(answers)).map(({ status }) => status).toSorted();
        // One at each instance; where the first already put it aside, both at the other.
        expect(statuses.filter((status) => status === 502)).toHaveLength(dying.seen.length);
        expect(statuses.filter((status) => status === 200)).toHaveLength(2 - dying.seen.length);
      }
      for (let i = 0; i < 4; i += 1) {
        expect(await to({ host: 'p.localhost' })).toMatchObject({ status: 200, body: 'a1' });
      }
    });

    it('says so when an instance hung up on what is not sent again, also on a connection that is kept', async () => {
      const dying = await rawInstance((socket) => {
        if (dying.seen.at(-1)?.startsWith('POST') === true) return socket.destroy();
        return socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      });
      await serve('h1', dying.port, 'h');
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      expect(await to({ host: 'h.localhost', agent })).toMatchObject({ status: 200, body: 'ok' });
      const headers = { accept: 'application/json' };
      const failed = await to({ host: 'h.localhost', method: 'POST', agent, headers });
      agent.destroy();
      expect(failed).toMatchObject({
        status: 502,
        headers: { 'x-shiplog-router': 'instance-failed' },
      });
      expect(failed.body).toBe(`${renderPage('instance-failed', 'json')}\n`);
      expect(dying.seen.map((request) => request.split(' ')[0])).toEqual(['GET', 'POST']);
      const counted = async () => (await underTest.router.traffic('h')).get('h1');
      await expect.poll(counted, PATIENTLY).toMatchObject({ requests: 2, errors: 1 });
    });

    it('leaves an instance in its place that answers 500', async () => {
      for (let i = 0; i < 10; i += 1) {
        expect(await to({ ...app, path: '/broken' })).toMatchObject({ status: 500, body: 'a1' });
      }
    });
  });
};
