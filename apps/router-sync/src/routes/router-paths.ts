import { createHash } from 'node:crypto';
import { chmod, lstat, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathsOf, type PlatformConfig } from '@shiplog/runtime';
import { FILES } from '../haproxy/file-names.js';
import { RouterError } from './router.port.js';

/** The limit that HAProxy puts on the path of a unix socket. */
const SOCKET_PATH_LENGTH_MAX = 96;

export interface RouterPaths {
  readonly directory: string;
  readonly config: string;
  readonly domains: string;
  readonly owners: string;
  readonly matches: string;
  readonly picks: string;
  readonly policies: string;
  readonly networks: string;
  readonly clients: string;
  readonly sessions: string;
  readonly notices: string;
  readonly allowed: string;
  readonly redirects: string;
  readonly hsts: string;
  readonly serverState: string;
  readonly pool: string;
  readonly log: string;
  readonly socketDirectory: string;
  /** Socket of the worker that serves: a path, or `host:port` where somebody else runs HAProxy. */
  readonly admin: string;
  /** Socket of the master, which reloads and reaches workers that are on their way out. */
  readonly master: string;
  /** Somebody else starts HAProxy (a container of its own). */
  readonly isExternal: boolean;
}

export const routerPaths = (config: PlatformConfig, env: NodeJS.ProcessEnv): RouterPaths => {
  const directory = pathsOf(config.home).router;
  const file = (name: string): string => join(directory, name);
  const files = {
    directory,
    config: file(FILES.config),
    domains: file(FILES.domains),
    owners: file(FILES.owners),
    matches: file(FILES.matches),
    picks: file(FILES.picks),
    policies: file(FILES.policies),
    networks: file(FILES.networks),
    clients: file(FILES.clients),
    sessions: file(FILES.sessions),
    notices: file(FILES.notices),
    allowed: file(FILES.allowed),
    redirects: file(FILES.redirects),
    hsts: file(FILES.hsts),
    serverState: file(FILES.serverState),
    pool: file(FILES.pool),
    log: file(FILES.log),
  };
  const external = env['SHIPLOG_HAPROXY_SOCKET'];
  if (external !== undefined && external !== '') {
    const socketDirectory = external.startsWith('/') ? join(external, '..') : directory;
    return {
      ...files,
      socketDirectory,
      admin: external,
      master: join(socketDirectory, 'master.sock'),
      isExternal: true,
    };
  }
  const socketDirectory = socketDirectoryOf(config, env);
  return {
    ...files,
    socketDirectory,
    admin: join(socketDirectory, 'admin.sock'),
    master: join(socketDirectory, 'master.sock'),
    isExternal: false,
  };
};

/** Short, and ours alone: a data directory may lie too deep for a socket. */
const socketDirectoryOf = (config: PlatformConfig, env: NodeJS.ProcessEnv): string => {
  const uid = process.getuid?.() ?? 0;
  const hash = createHash('sha256').update(config.home).digest('hex').slice(0, 10);
  if (uid === 0) return `/run/shiplog-${config.platform}-${hash}`;
  const runtime = env['XDG_RUNTIME_DIR'];
  const isUsable = runtime !== undefined && /^\/[A-Za-z0-9._/-]{1,40}$/.test(runtime);
  return isUsable ? join(runtime, `shiplog-${hash}`) : `/tmp/shiplog-${uid}-${hash}`;
};

/** Makes both directories, 0700; refuses a socket directory that somebody else could have made. */
export const prepareDirectories = async (paths: RouterPaths): Promise<void> => {
  await mkdir(paths.directory, { recursive: true, mode: 0o700 });
  if (paths.isExternal) return;
  if (paths.master.length > SOCKET_PATH_LENGTH_MAX) {
    throw unsafe(paths, `is longer than ${SOCKET_PATH_LENGTH_MAX} characters with its sockets`);
  }
  await mkdir(paths.socketDirectory, { recursive: true, mode: 0o700 });
  const found = await lstat(paths.socketDirectory);
  if (!found.isDirectory()) throw unsafe(paths, 'is not a directory');
  if (found.uid !== process.getuid?.()) throw unsafe(paths, 'belongs to somebody else');
  if ((found.mode & 0o077) !== 0) await chmod(paths.socketDirectory, 0o700);
};

const unsafe = (paths: RouterPaths, why: string): RouterError =>
  new RouterError(
    'router-socket-unsafe',
    `${paths.socketDirectory}, where the router's sockets belong, ${why}: remove it, or give XDG_RUNTIME_DIR a short path of your own`,
  );
