import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createConnection, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DomainUse } from '@shiplog/events';
import { domainCandidates } from '@shiplog/domain';
import { ask } from '../testing/client.js';
import type { RouteAction } from './router.port.js';
import type { ServingRouter } from './serving.contract.js';

interface RestartableRouter extends ServingRouter {
  restart(): Promise<void>;
}

const APPS = ['root', 'api', 'deep', 'wild', 'wildest'] as const;
const DOMAINS: Readonly<Record<string, (typeof APPS)[number]>> = {
  'example.com': 'root',
  'example.com/api': 'api',
  'example.com/api/v2': 'deep',
  '*.example.com': 'wild',
  '*.example.com/api': 'api',
  '*.b.example.com': 'wildest',
  'x.b.example.com': 'root',
  'only.example.com/api': 'deep',
  'xn--bcher-kva.example': 'root',
};

const bind = (host: string, appId: string, use?: DomainUse): RouteAction => ({
  kind: 'bind-host',
  host,
  appId,
  ...(use === undefined ? {} : { use }),
});

/** Which app a request reaches by which domain, and what it sees of it: of every router that serves. */
export const describeDomains = (name: string, create: () => Promise<RestartableRouter>): void => {
  describe(`${name} and domains`, () => {
    let underTest: RestartableRouter;
    const servers: Server[] = [];
    beforeAll(async () => {
      underTest = await create();
      for (const appId of APPS) await serve(appId);
      await underTest.router.apply(
        Object.entries(DOMAINS).map(([host, appId]) => bind(host, appId)),
      );
    });
    afterAll(async () => {
      await underTest.close();
      for (const server of servers) server.close().closeAllConnections();
    });

    /** Tells who it is, which path it was asked for and which one was taken away. */
    const serve = async (appId: string): Promise<void> => {
      const answer = ({ url, headers }: IncomingMessage): string =>
        [appId, url, headers['x-forwarded-prefix'] ?? '-'].join(' ');
      const server = createServer((request, response) => response.end(answer(request)));
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      servers.push(server);
      const { port } = server.address() as AddressInfo;
      const endpoint = { instanceId: appId, appId, host: '127.0.0.1', port, weight: 1 };
      await underTest.router.apply([{ kind: 'serve', endpoint }]);
    };
    const seenAt = async (host: string, path = '/', headers = {}): Promise<string> => {
      const { status, body } = await ask(underTest.port, { host, path, headers });
      return status === 200 ? body : String(status);
    };
    const appAt = async (host: string, path = '/') => (await seenAt(host, path)).split(' ')[0];
    /** A request as no client of Node would write it. */
    const raw = (head: string): Promise<string> =>
      new Promise((resolve) => {
        const socket = createConnection(underTest.port, '127.0.0.1');
        let answer = '';
        socket.setEncoding('latin1').on('data', (text: string) => (answer += text));
        socket.on('error', () => undefined).on('close', () => resolve(answer));
        socket.write(`${head}\r\nConnection: close\r\n\r\n`, 'latin1');
      });

    it.each([
      ['example.com', '/', 'root'],
      ['EXAMPLE.com.', '/', 'root'],
      ['example.com:8080', '/', 'root'],
      ['example.com', '/api', 'api'],
      ['example.com', '/api/', 'api'],
      ['example.com', '/api?x=/v2', 'api'],
      ['example.com', '/api/v3/api/v2', 'api'],
      ['example.com', '/api//v2', 'api'],
      ['example.com', '/api/v2', 'deep'],
      ['example.com', '/api/v2/x?y=1', 'deep'],
      ['example.com', '/api/v22', 'api'],
      ['example.com', '/apis', 'root'],
      ['example.com', '/API', 'root'],
      ['example.com', '/x/api', 'root'],
      ['example.com', `/api/v2/${'long/'.repeat(200)}`, 'deep'],
      ['www.example.com', '/', 'wild'],
      ['www.example.com', '/api/x', 'api'],
      ['a.b.c.d.e.f.g.h.i.j.k.example.com', '/x', 'wild'],
      ['b.example.com', '/', 'wild'],
      ['a.b.example.com', '/', 'wildest'],
      ['a.b.example.com', '/api', 'wildest'],
      ['c.a.b.example.com', '/', 'wildest'],
      ['x.b.example.com', '/api', 'root'],
      ['y.x.b.example.com', '/', 'wildest'],
      ['only.example.com', '/api', 'deep'],
      ['only.example.com', '/', 'wild'],
      ['xn--bcher-kva.example', '/', 'root'],
      ['notexample.com', '/', '404'],
      ['example.com.evil.net', '/', '404'],
      ['com', '/', '404'],
      ['www.xn--bcher-kva.example', '/', '404'],
    ])('%s%s is answered by %s', async (host, path, app) => {
      expect(await appAt(host, path)).toBe(app);
      if (app === '404') return;
      // As everybody else who asks has it.
      const plain = host.toLowerCase().replace(/:\d+$|\.$/, '');
      const found = domainCandidates(plain, path.split('?')[0]).find((one) => one in DOMAINS);
      expect(DOMAINS[found ?? '']).toBe(app);
    });

    it.each([
      '*.example.com',
      'example.com/api',
      'x/y.example.com',
      'a..example.com',
      '.example.com',
    ])('reaches nobody by writing %s into the host', async (host) => {
      const answer = await raw(`GET / HTTP/1.1\r\nHost: ${host}`);
      expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
    });

    it('takes the path of the domain away where it is told so, and passes the rest as it is written', async () => {
      const strip = { kind: 'serve', strip: true } as const;
      await underTest.router.apply([
        bind('example.com/api', 'api', strip),
        bind('example.com/api/v2', 'deep', strip),
        bind('*.example.com/api', 'api', strip),
      ]);
      const uses = await usesNow();
      expect(uses).toEqual({
        'example.com/api': strip,
        'example.com/api/v2': strip,
        '*.example.com/api': strip,
      });
      expect(await seenAt('example.com', '/api')).toBe('api / /api');
      expect(await seenAt('example.com', '/api?x=1&y=/api')).toBe('api /?x=1&y=/api /api');
      expect(await seenAt('example.com', '/api/x%2Fy%20z/?q=%00')).toBe(
        'api /x%2Fy%20z/?q=%00 /api',
      );
      expect(await seenAt('example.com', '/api/v2/a/b')).toBe('deep /a/b /api/v2');
      expect(await seenAt('www.example.com', '/api/a')).toBe('api /a /api');
      expect(await seenAt('example.com', '/x', { 'X-Forwarded-Prefix': '/evil' })).toBe(
        'root /x -',
      );
      await underTest.router.apply([
        bind('example.com/api', 'api'),
        bind('example.com/api/v2', 'deep'),
        bind('*.example.com/api', 'api'),
      ]);
      expect(await usesNow()).toEqual({});
      expect(await seenAt('example.com', '/api/x%2Fy')).toBe('api /api/x%2Fy -');
    });

    const usesNow = async () => Object.fromEntries((await underTest.router.observe()).uses);

    it.each([301, 302, 307, 308] as const)(
      'sends clients to another host with %i, path and query kept',
      async (status) => {
        const to = { kind: 'redirect', to: 'www.example.org', status } as const;
        await underTest.router.apply([bind('old.example.org', 'root', to)]);
        expect(await usesNow()).toEqual({ 'old.example.org': to });
        const locationOf = async (host: string, path: string, method = 'GET') => {
          const answer = await ask(underTest.port, { host, path, method });
          expect(answer.status).toBe(status);
          return answer.headers.location;
        };
        const path = '/a%20b/?q=1&r=%0d%0aX-Evil:%201';
        expect(await locationOf('old.example.org', path)).toBe(`http://www.example.org${path}`);
        expect(await locationOf('old.example.org', '//evil.net/x')).toBe(
          'http://www.example.org//evil.net/x',
        );
        expect(await locationOf('OLD.example.org:8443', '/', 'POST')).toBe(
          'http://www.example.org:8443/',
        );
        await underTest.router.apply([{ kind: 'unbind-host', host: 'old.example.org' }]);
        expect(await appAt('old.example.org')).toBe('404');
      },
    );

    it('sends clients elsewhere while the app of the domain is in maintenance', async () => {
      const maintenance = { kind: 'maintenance', page: null, allow: [] } as const;
      await underTest.router.apply([
        { kind: 'notify', appId: 'deep', notice: maintenance },
        bind('moved.example.org', 'deep', { kind: 'redirect', to: 'example.com', status: 302 }),
      ]);
      expect(await seenAt('moved.example.org')).toBe('302');
      expect(await seenAt('example.com', '/api/v2')).toBe('503');
      await underTest.router.apply([
        { kind: 'notify', appId: 'deep', notice: null },
        { kind: 'unbind-host', host: 'moved.example.org' },
      ]);
      expect(await appAt('example.com', '/api/v2')).toBe('deep');
    });

    it('finds one among ten thousand', async () => {
      const many = Array.from({ length: 10_000 }, (_, i) => i);
      await underTest.router.apply(
        many.map((i) => bind(i % 2 === 0 ? `h${i}.example.net` : `*.h${i}.example.net`, 'root')),
      );
      await underTest.router.apply([bind('new3.example.net/api', 'wild')]);
      expect(await appAt('new3.example.net', '/api/x')).toBe('wild');
      expect(await appAt('a.h77.example.net')).toBe('root');
      expect(await appAt('a.h78.example.net')).toBe('404');
    }, 60_000);

    it('comes back with all of it when it is killed', async () => {
      await underTest.router.apply([
        bind('old.example.org', 'root', { kind: 'redirect', to: 'example.com', status: 308 }),
        bind('example.com/api', 'api', { kind: 'serve', strip: true }),
      ]);
      await underTest.restart();
      await expect.poll(() => seenAt('example.com', '/api/x')).toBe('api /x /api');
      expect(await seenAt('old.example.org')).toBe('308');
      expect(await appAt('a.b.example.com')).toBe('wildest');
      expect(await appAt('a.h77.example.net')).toBe('root');
    });
  });
};
