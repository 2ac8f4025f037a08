import { createHash } from 'node:crypto';
import { access, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { PlatformConfig } from '@shiplog/runtime';
import { domainKey } from './domains.js';
import { FILES, LUA_FILES } from './file-names.js';
import { replaceFile } from '../replace-file.js';
import { STATE_FILE_HEADER } from './state.js';
import { renderHaproxy, type HaproxyConfig, type PoolSize } from './render.js';
import { tlsPaths } from '../tls/tls-paths.js';
import { formsText } from './pages.js';
import { pagesText } from '../pages/pages.js';
import type { RouterPaths } from '../routes/router-paths.js';

const luaOf = (name: string): URL => new URL(`../../haproxy/${name}`, import.meta.url);

/** Places that a platform starts with: about 10 MB of HAProxy. The first app with HTTP/2 makes places for it. */
const POOL_DEFAULT: PoolSize = { backends: 64, servers: 32, h2Servers: 0 };
/** Where nobody can reload HAProxy for us the places have to last. */
const POOL_EXTERNAL: PoolSize = { backends: 256, servers: 32, h2Servers: 4 };

const poolSize = z.object({
  backends: z.number().int().min(1).max(65_536),
  servers: z.number().int().min(1).max(4_000),
  /** Not there in what was written before there were such places. */
  h2Servers: z.number().int().min(0).max(4_000).default(0),
  ports: z.array(z.number().int().min(1).max(65_535)).max(65_535).optional(),
});

export const readPool = async (paths: RouterPaths): Promise<PoolSize> => {
  const fallback = paths.isExternal ? POOL_EXTERNAL : POOL_DEFAULT;
  const text = await readFile(paths.pool, 'utf8').catch(() => undefined);
  if (text === undefined) return fallback;
  const parsed = poolSize.safeParse(parseJson(text));
  return parsed.success ? parsed.data : fallback;
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
};

/** Writes pool and configuration; true when the configuration is another one than before. */
export const writeConfig = async (
  config: PlatformConfig,
  paths: RouterPaths,
  pool: PoolSize,
): Promise<boolean> => {
  const beside = await filesBeside();
  const text = renderHaproxy({
    platform: config.platform,
    bind: config.routerBind ?? config.bind,
    port: config.routerPort,
    runAs: paths.isExternal ? null : await unprivilegedUser(),
    directory: paths.directory,
    adminSocket: paths.admin,
    ...tlsOf(config, paths),
    ...(paths.isExternal ? {} : { connectionsMax: await connectionsMax() }),
    pool,
    beside: createHash('sha256').update(JSON.stringify(beside)).digest('hex').slice(0, 16),
  });
  for (const [name, content] of beside) await replaceFile(join(paths.directory, name), content);
  await writePool(paths, pool);
  const before = await readFile(paths.config, 'utf8').catch(() => undefined);
  if (before === text) return false;
  await replaceFile(paths.config, text);
  return true;
};

/** What HAProxy reads beside its configuration and its state: pages, and programs in Lua. */
const filesBeside = async (): Promise<readonly (readonly [string, string])[]> => [
  [FILES.pages, pagesText()],
  [FILES.forms, formsText()],
  ...(await Promise.all(
    LUA_FILES.map(async (name) => [name, await readFile(luaOf(name), 'utf8')] as const),
  )),
];

/** Where somebody else runs HAProxy there is no HTTPS: certificates would lie on a disk. */
const tlsOf = (
  { tlsPort, acme, domain, apiPort }: PlatformConfig,
  paths: RouterPaths,
): Pick<HaproxyConfig, 'tls' | 'platformHost'> => ({
  ...(tlsPort !== undefined &&
    !paths.isExternal && { tls: { port: tlsPort, list: tlsPaths(paths).list } }),
  ...(acme !== undefined && { platformHost: { domain, apiPort } }),
});

export const writePool = (paths: RouterPaths, pool: PoolSize): Promise<void> =>
  replaceFile(paths.pool, `${JSON.stringify(pool)}\n`);

/** HAProxy does not start without the files that its configuration names. */
export const ensureStateFiles = async (paths: RouterPaths): Promise<void> => {
  const empty: readonly (readonly [string, string])[] = [
    [paths.domains, await domainsOfEarlier(paths)],
    [paths.owners, ''],
    [paths.matches, ''],
    [paths.picks, ''],
    [paths.policies, ''],
    [paths.networks, ''],
    [paths.clients, ''],
    [paths.sessions, ''],
    [paths.notices, ''],
    [paths.allowed, ''],
    [paths.redirects, ''],
    [paths.hsts, ''],
    [paths.serverState, STATE_FILE_HEADER],
  ];
  for (const [path, text] of empty) {
    const exists = await access(path).then(
      () => true,
      () => false,
    );
    if (!exists) await replaceFile(path, text);
  }
};

/** Until there were wildcards and paths, a map of hosts lay here. */
const domainsOfEarlier = async (paths: RouterPaths): Promise<string> => {
  const text = await readFile(join(dirname(paths.domains), 'hosts.map'), 'utf8').catch(() => '');
  return text.replaceAll(/^(\S+) /gm, (_, host: string) => `${domainKey(host)} `);
};

/** A client takes a file, and its instance another one; checks, sockets and what is read at a start take some. */
const OTHER_FILES = 1_000;
const CONNECTIONS_MAX = 50_000;

/** HAProxy opens as many files as we may. */
const connectionsMax = async (): Promise<number> => {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  const files = Number(/^Max open files +\S+ +(\d+)/m.exec(limits)?.[1] ?? Infinity);
  return Math.max(100, Math.min(CONNECTIONS_MAX, Math.floor((files - OTHER_FILES) / 2)));
};

/** As root, HAProxy serves as its package's user, else as nobody. */
const unprivilegedUser = async (): Promise<{ uid: number; gid: number } | null> => {
  if (process.getuid?.() !== 0) return null;
  const passwd = await readFile('/etc/passwd', 'utf8').catch(() => '');
  for (const name of ['haproxy', 'nobody']) {
    const fields = passwd
      .split('\n')
      .find((line) => line.startsWith(`${name}:`))
      ?.split(':');
    if (fields !== undefined) return { uid: Number(fields[2]), gid: Number(fields[3]) };
  }
  return { uid: 65_534, gid: 65_534 };
};
