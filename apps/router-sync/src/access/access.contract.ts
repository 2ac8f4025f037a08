import { createConnection } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RestartingRouter } from '../pages/pages.contract.js';
import { ask } from '../testing/client.js';
import { startInstance, type TestInstance } from '../testing/test-instance.js';
import { echo, openTunnel } from '../testing/upgrade.js';
import { PATIENTLY, waitFor } from '../testing/wait-for.js';
import type { AccessSource } from './access-source.js';
import { parseAccessLine, type RawAccess } from './parse-line.js';

export interface LoggingRouter extends RestartingRouter {
  readonly access: AccessSource;
}

/** What a proxy says of every request that ended. */
export const describeAccess = (name: string, create: () => Promise<LoggingRouter>): void => {
  describe(`${name} and its access log`, () => {
    let underTest: LoggingRouter;
    let instance: TestInstance;
    let stop: () => Promise<void>;
    const seen: string[] = [];
    const host = 'l.localhost';
    beforeAll(async () => {
      underTest = await create();
      instance = await startInstance('l1', 0);
      const endpoint = {
        ...{ instanceId: 'l1', appId: 'l', host: '127.0.0.1', port: instance.port, weight: 1 },
      };
      await underTest.router.apply([
        { kind: 'serve', endpoint },
        { kind: 'bind-host', host, appId: 'l' },
        { kind: 'bind-host', host: 'none.localhost', appId: 'none' },
      ]);
      stop = underTest.access.start({ onLine: (line) => seen.push(line), onLost: () => undefined });
      // Reading begins a moment after it was asked for.
      await waitFor('the first line', async () => {
        await ask(underTest.port, { host, path: '/warm' });
        await delay(50);
        return seen.length > 0;
      });
    });
    afterAll(async () => {
      await stop();
      await underTest.close();
      await instance.kill();
    });

    /** The line of the one request whose path this is. */
    const lineOf = async (path: string): Promise<RawAccess> => {
      const find = () => seen.map(parseAccessLine).find((line) => line?.path === path);
      await expect.poll(find, PATIENTLY).toBeDefined();
      const line = find();
      if (line === undefined) throw new Error('no line');
      return line;
    };
    const raw = (text: string): Promise<void> =>
      new Promise((resolve) => {
        const socket = createConnection(underTest.port, '127.0.0.1');
        socket.on('error', () => undefined).on('close', () => resolve());
        socket.resume();
        socket.end(text, 'latin1');
      });

    it('says who asked for what, who answered, and how long it took', async () => {
      const before = Date.now();
      const { body } = await ask(underTest.port, {
        host,
        path: '/slow?ms=200&token=secret',
        method: 'POST',
      });
      const line = await lineOf('/slow');
      expect(line).toMatchObject({
        ...{ appId: 'l', method: 'POST', host, status: 200, retries: 0, queueMs: 0 },
        termination: '--',
      });
      expect(underTest.access.instanceOf(line.server ?? '')).toBe('l1');
      expect(line.requestId).toMatch(/^[0-9a-f-]{36}$/);
      expect(line.durationMs).toBeGreaterThanOrEqual(199);
      expect(line.durationMs).toBeLessThan(5_000);
      expect(Math.abs(line.timeMs - before)).toBeLessThan(5_000);
      expect(line.bytesOut).toBeGreaterThan(body.length);
      expect(line.bytesIn).toBeGreaterThan(50);
    });

    it('has the id of the request that the app got', async () => {
      const { body } = await ask(underTest.port, { host, path: '/headers' });
      const headers = JSON.parse(body) as Record<string, string>;
      expect((await lineOf('/headers')).requestId).toBe(headers['x-request-id']);
    });

    it('never has a query string', async () => {
      await ask(underTest.port, { host, path: '/q?password=hunter2' });
      await lineOf('/q');
      expect(seen.join('\n')).not.toMatch(/hunter2|secret|password/);
    });

    it('says what reached no instance, and at which host nobody is', async () => {
      await ask(underTest.port, { host: 'none.localhost', path: '/nobody-there' });
      expect(await lineOf('/nobody-there')).toMatchObject({
        ...{ appId: 'none', server: null, status: 503 },
      });
      await ask(underTest.port, { host: 'x y"\u00e9.localhost', path: '/no-such-host' }).catch(
        () => undefined,
      );
      await ask(underTest.port, { host: 'nobody.localhost', path: '/unknown' });
      expect(await lineOf('/unknown')).toMatchObject({ appId: null, status: 404, server: null });
    });

    it('is one line a request, whatever is in it', async () => {
      for (const [i, path] of [
        '/a"b',
        "/a'b",
        '/a\\b',
        '/a#20b',
        '/a%0ab%20c',
        '/a;b|c`d{e}',
        `/${'x'.repeat(3000)}`,
      ].entries()) {
        const before = seen.length;
        await raw(
          `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nX-N: ${i}\r\nConnection: close\r\n\r\n`,
        );
        await expect.poll(() => seen.length, PATIENTLY).toBe(before + 1);
        const line = parseAccessLine(seen[before] ?? '');
        expect(line, seen[before]).toBeDefined();
        if (line?.status === 200 && path.length < 1000) expect(line.path).toBe(path);
      }
      const before = seen.length;
      await raw(`GET /\u0001\n1 l x HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      await raw(`GET / HTTP/1.1\r\nHost: a b 200 ${host}\r\nConnection: close\r\n\r\n`);
      await raw('NONSENSE\r\n\r\n');
      await ask(underTest.port, { host, path: '/last' });
      await lineOf('/last');
      for (const line of seen.slice(before)) {
        expect(parseAccessLine(line), line).toBeDefined();
        expect(line).toMatch(/^[\u0021-\u007e ]+$/);
      }
    });

    it('has a tunnel when it ended', async () => {
      const { socket } = await openTunnel(underTest.port, host);
      await echo(socket, 'hello');
      socket.destroy();
      expect(await lineOf('/socket')).toMatchObject({ status: 101, appId: 'l' });
    });

    it('counts as many requests as it has lines', async () => {
      const { answered } = await underTest.access.counted();
      const lines = seen.length;
      for (let i = 0; i < 50; i += 1) await ask(underTest.port, { host, path: `/n${i}` });
      await lineOf('/n49');
      await expect.poll(() => seen.length - lines, PATIENTLY).toBe(50);
      const after = await underTest.access.counted();
      expect([after.answered - answered, after.missing]).toEqual([50, 0]);
    });

    it('goes on when the proxy was away', async () => {
      await underTest.restart();
      let n = 0;
      await expect
        .poll(async () => {
          await ask(underTest.port, { host, path: `/again${(n += 1)}` });
          await delay(50);
          return seen.some((line) => line.includes(' /again'));
        }, PATIENTLY)
        .toBe(true);
      const missing = async () => (await underTest.access.counted()).missing;
      await expect.poll(missing, PATIENTLY).toBe(0);
    });
  });
};
