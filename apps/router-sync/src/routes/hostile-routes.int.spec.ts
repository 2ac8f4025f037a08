import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { isDeepStrictEqual, promisify } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  basicAuthUser,
  HOST_PATTERN,
  ID_PATTERN,
  parseDomain,
  PASSWORD_HASH_PATTERN,
  trafficPolicy,
  type DomainUse,
} from '@shiplog/events';
import type { PlatformConfig } from '@shiplog/runtime';
import { removeProxy, testConfig } from '../testing/test-platform.js';
import { waitFor } from '../testing/wait-for.js';
import { findHaproxy } from '../haproxy/binary.js';
import { ensureProcess } from '../haproxy/process.js';
import { HaproxyRouter } from '../haproxy/haproxy-router.js';
import { HaproxyRuntime } from '../haproxy/runtime.js';
import { nginxPaths } from '../nginx/files.js';
import { ensureNginx, nginxPid } from '../nginx/process.js';
import { NginxRouter } from '../nginx/nginx-router.js';
import { QuarantiningRouter } from './quarantine.js';
import { routerPaths } from './router-paths.js';
import { rulesOf } from './traffic-rules.js';
import type { ActualRoutes, RouteAction, Router } from './router.port.js';

const run = promisify(execFile);

/** What has a meaning in a configuration, a map, the runtime API, Lua, a shell, or to a careless parser. */
const HOSTILE = [
  ...[
    '\n',
    '\r',
    '\0',
    '\t',
    ' ',
    ';',
    '{',
    '}',
    '"',
    "'",
    '`',
    '#',
    '\\',
    '$',
    '%[',
    '(',
    ')',
    '<<',
    '*',
    '@',
    ':',
    ',',
  ],
  ...[
    '/',
    '//',
    '..',
    '?',
    '&',
    '|',
    '~',
    '^',
    '=',
    '!',
    '\u2028',
    '\u2029',
    '\u0085',
    '\u202e',
    'ä',
    '＊',
    '%0a',
    '%00',
  ],
  ...[
    '${host}',
    '$(id)',
    '%[env(HOME)]',
    '\nnohost a.plain',
    '\nhost b.plain evil',
    '; show info',
    '" ; }',
    ' slot0001',
    '-- x',
    ']]',
  ],
];
const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?$/);
/** Words that mean something elsewhere, and pass. */
const WORDS = fc.constantFrom(
  ...[
    'server',
    'location',
    'listen',
    'include',
    'app',
    'nohost',
    'table',
    'slot0001',
    'xn--80ak6aa92e',
    '__proto__',
    'constructor',
    'end',
    'nil',
    'admin',
    '0',
    '127',
    'localhost',
  ],
);
const piece = fc.oneof(label, WORDS, fc.constantFrom(...HOSTILE), fc.string({ maxLength: 6 }));
const host = fc.oneof(
  fc.array(fc.oneof(label, WORDS), { minLength: 2, maxLength: 4 }).map((parts) => parts.join('.')),
  fc.array(piece, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('.')),
  fc.array(piece, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('')),
);
/** Wildcards and paths, in right and in odd places. */
const domain = fc.oneof(
  host,
  fc
    .tuple(fc.constantFrom('', '*.', '*', '**.'), host, fc.constantFrom('', '/'), piece)
    .map((parts) => parts.join('')),
  fc
    .tuple(host, fc.array(fc.oneof(label, piece), { maxLength: 10 }))
    .map(([name, parts]) => [name, ...parts].join('/')),
);
const userName = fc.oneof(
  label,
  WORDS,
  fc.array(piece, { minLength: 1 }).map((p) => p.join('')),
);
const HASH_DIGITS = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const hashText = (length: number) =>
  fc.string({ unit: fc.constantFrom(...HASH_DIGITS), minLength: length, maxLength: length });
const passwordHash = fc
  .tuple(hashText(16), hashText(86), fc.oneof(fc.constant(''), piece))
  .map(([salt, hash, more]) => `$6$${salt}$${hash}${more}`);
const id = fc.oneof(
  WORDS,
  fc.stringMatching(/^[A-Za-z0-9_-]{1,20}$/),
  fc.array(piece, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('')),
);
const address = fc.oneof(
  fc.constant('127.0.0.1'),
  fc.array(piece, { minLength: 1, maxLength: 3 }).map((parts) => `127.0.0.1${parts.join('')}`),
);

/** Policies of parts that are right and parts that are not: mostly of one that is hostile. */
const text = fc.oneof(
  fc.array(piece, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('')),
  fc.string({ maxLength: 20 }),
);
const header = fc.oneof(fc.stringMatching(/^[a-z][a-z0-9-]{0,8}[a-z0-9]$/), text);
const value = fc.oneof(fc.stringMatching(/^[!-~]([ -~]{0,20}[!-~])?$/), text);
const changes = fc.record({
  set: fc.dictionary(header, value, { maxKeys: 3 }),
  remove: fc.array(header, { maxLength: 2 }),
});
const cidr = fc.oneof(
  fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })).map(([at, bits]) => `${at}/${bits}`),
  fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 128 })).map(([at, bits]) => `${at}/${bits}`),
  text.map((more) => `10.0.0.0/8${more}`),
);
const policy = fc
  .record(
    {
      sticky: fc.constant(true as const),
      rate: fc.record({
        requests: fc.integer({ min: 0, max: 100_001 }),
        per: fc.constantFrom('second' as const, 'minute' as const),
        burst: fc.nat(100_000),
        by: fc.oneof(
          fc.constant('address'),
          header.map((name) => `header:${name}`),
        ),
      }),
      concurrency: fc.record({ perInstance: fc.nat(10_001), queue: fc.nat(10_001) }),
      bodyBytes: fc.oneof(fc.nat(), fc.double()),
      tunnelSeconds: fc.nat(90_000),
      allow: fc.array(cidr, { maxLength: 3 }),
      deny: fc.array(cidr, { maxLength: 3 }),
      requestHeaders: changes,
      responseHeaders: changes,
    },
    { requiredKeys: [] },
  )
  .filter((one) => Object.keys(one).length > 0);

interface Server {
  readonly router: Router;
  /** What its own parser makes of it, names of routes left out. */
  structure(): Promise<string>;
  close(): Promise<void>;
}

const haproxyServer = async (): Promise<Server> => {
  const config = await testConfig();
  const paths = routerPaths(config, {});
  await ensureProcess(config, paths);
  const runtime = new HaproxyRuntime(paths.admin);
  const binary = await findHaproxy(process.env);
  return {
    router: new HaproxyRouter(config, paths),
    structure: async () => {
      await run(binary, ['-c', '-q', '-f', paths.config]);
      const [backends = '', maps = '', stat = ''] = await runtime.ask([
        'show backend',
        'show map',
        'show stat -1 7 -1',
      ]);
      const names = stat.split('\n').map((line) => line.split(',').slice(0, 2).join());
      return [
        await readFile(paths.config, 'utf8'),
        backends,
        maps.replaceAll(/entry_cnt=\d+|0x\w+/g, ''),
        ...names,
      ].join('\n');
    },
    close: () => removeProxy(config),
  };
};

const nginxServer = async (): Promise<Server> => {
  const config: PlatformConfig = await testConfig('nginx');
  const paths = nginxPaths(config, {});
  await ensureNginx(config, paths);
  const router = new NginxRouter(paths);
  return {
    router,
    structure: async () => {
      const { stdout } = await run('/usr/sbin/nginx', [
        '-T',
        '-q',
        '-c',
        paths.config,
        '-e',
        '/dev/null',
      ]);
      return stdout;
    },
    // What was accepted is what a new nginx begins with, too.
    close: async () => {
      const before = await router.observe();
      const pid = await nginxPid(paths);
      process.kill(pid ?? 0, 'SIGTERM');
      await waitFor('its end', async () => (await nginxPid(paths)) === undefined);
      await ensureNginx(config, paths);
      expect(sorted(await new NginxRouter(paths).observe())).toEqual(sorted(before));
      await removeProxy(config);
    },
  };
};

const sorted = ({ hosts, endpoints, policies, emptyPools }: ActualRoutes) => ({
  policies: [...policies].toSorted(),
  hosts: [...hosts].toSorted(),
  endpoints: [...endpoints.keys()].toSorted(),
  pools: [...emptyPools.keys()].toSorted(),
});

for (const [name, create] of [
  ['HAProxy', haproxyServer],
  ['Nginx', nginxServer],
] as const) {
  describe(`${name} and hostile names`, () => {
    let server: Server;
    let structure: string;
    beforeAll(async () => {
      server = await create();
      await server.router.apply([
        {
          kind: 'serve',
          endpoint: { instanceId: 'i1', appId: 'plain', host: '127.0.0.1', port: 9, weight: 1 },
        },
        { kind: 'bind-host', host: 'a.plain', appId: 'plain' },
        { kind: 'bind-host', host: 'b.plain', appId: 'plain' },
      ]);
      structure = await server.structure();
    });
    afterAll(() => server.close());

    /** Does it all or refuses it all: what it then has is exactly that, and nothing of it reached another word. */
    const isTakenLiterally = async (
      isAccepted: boolean,
      actions: readonly RouteAction[],
      back: readonly RouteAction[],
      seen: (routes: ActualRoutes) => boolean,
    ): Promise<void> => {
      const before = sorted(await server.router.observe());
      const refused = await server.router.apply(actions).then(
        () => false,
        () => true,
      );
      expect(refused).toBe(!isAccepted);
      if (isAccepted) {
        expect(seen(await server.router.observe())).toBe(true);
        await server.router.apply(back);
      }
      expect(sorted(await server.router.observe())).toEqual(before);
    };

    it('takes domains literally or not at all', async () => {
      await fc.assert(
        fc.asyncProperty(domain, (value) =>
          isTakenLiterally(
            parseDomain(value) !== undefined,
            [{ kind: 'bind-host', host: value, appId: 'plain' }],
            [{ kind: 'unbind-host', host: value }],
            ({ hosts }) => hosts.get(value) === 'plain',
          ),
        ),
        { numRuns: RUNS },
      );
      expect(await server.structure()).toBe(structure);
    });

    it('takes what is done with a domain literally or not at all', async () => {
      const status = fc.constantFrom<301 | 302 | 307 | 308>(301, 302, 307, 308);
      await fc.assert(
        fc.asyncProperty(host, status, (to, code) => {
          const use: DomainUse = { kind: 'redirect', to, status: code };
          return isTakenLiterally(
            HOST_PATTERN.test(to),
            [{ kind: 'bind-host', host: '*.c.plain/x', appId: 'plain', use }],
            [{ kind: 'unbind-host', host: '*.c.plain/x' }],
            ({ uses }) => isDeepStrictEqual(uses.get('*.c.plain/x'), use),
          );
        }),
        { numRuns: RUNS },
      );
      expect(await server.structure()).toBe(structure);
    });

    it('serves all other apps when it refuses one', async () => {
      const refused: string[] = [];
      const router = new QuarantiningRouter(server.router, {
        nowMs: () => 0,
        onChange: (appId) => refused.push(appId),
      });
      const apps = ['q1', 'q2', 'bad', 'q3', 'q4', 'q5'];
      const endpoint = (appId: string) => ({
        instanceId: appId,
        appId,
        host: appId === 'bad' ? '127.0.0.1; show info' : '127.0.0.1',
        port: 9,
        weight: 1,
      });
      await router.observe();
      await router.apply(apps.map((appId) => ({ kind: 'serve', endpoint: endpoint(appId) })));
      expect(refused).toEqual(['bad']);
      const { endpoints } = await router.observe();
      expect(apps.filter((appId) => endpoints.get(appId)?.state === 'serving')).toEqual(
        apps.filter((appId) => appId !== 'bad'),
      );
      await router.apply(apps.map((instanceId) => ({ kind: 'release', instanceId })));
      await router.apply(apps.map((appId) => ({ kind: 'release-pool', appId })));
      expect(await server.structure()).toBe(structure);
    });

    it('takes traffic policies literally or not at all', async () => {
      await fc.assert(
        fc.asyncProperty(policy, (value) => {
          const rules = rulesOf(value);
          return isTakenLiterally(
            trafficPolicy.safeParse(value).success,
            [{ kind: 'police', appId: 'plain', rules }],
            [{ kind: 'unpolice', appId: 'plain' }],
            ({ policies }) => policies.get('plain') === rules.id,
          );
        }),
        { numRuns: 4 * RUNS },
      );
      expect((await server.router.observe()).policies.size).toBe(0);
      expect(await server.structure()).toBe(structure);
    });

    it('takes names and hashes of passwords literally or not at all', async () => {
      await fc.assert(
        fc.asyncProperty(userName, passwordHash, fc.boolean(), (user, hash, passesHeader) => {
          const rules = rulesOf({}, { users: Object.fromEntries([[user, hash]]), passesHeader });
          return isTakenLiterally(
            basicAuthUser.safeParse(user).success && PASSWORD_HASH_PATTERN.test(hash),
            [{ kind: 'police', appId: 'plain', rules }],
            [{ kind: 'unpolice', appId: 'plain' }],
            ({ policies }) => policies.get('plain') === rules.id,
          );
        }),
        { numRuns: RUNS },
      );
      expect((await server.router.observe()).policies.size).toBe(0);
      expect(await server.structure()).toBe(structure);
    });

    it('takes ids and addresses literally or not at all', async () => {
      await fc.assert(
        fc.asyncProperty(id, id, address, (appId, instanceId, at) =>
          isTakenLiterally(
            ID_PATTERN.test(appId) && ID_PATTERN.test(instanceId) && isIP(at) !== 0,
            [{ kind: 'serve', endpoint: { instanceId, appId, host: at, port: 9, weight: 1 } }],
            [
              { kind: 'release', instanceId },
              { kind: 'release-pool', appId },
            ],
            ({ endpoints }) => endpoints.get(instanceId)?.appId === appId,
          ),
        ),
        { numRuns: RUNS },
      );
      expect(await server.structure()).toBe(structure);
    });
  });
}

const RUNS = 80;
