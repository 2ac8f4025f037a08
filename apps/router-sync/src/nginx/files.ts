import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chown, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { PlatformConfig } from '@shiplog/runtime';
import { replaceFile } from '../replace-file.js';
import { pagesText } from '../pages/pages.js';
import type { NginxProgram } from './binary.js';
import { NGINX_FILES, renderNginx, type NginxConfig } from './render.js';
import { tlsPaths } from '../tls/tls-paths.js';
import { routerPaths, type RouterPaths } from '../routes/router-paths.js';
import { RouterError } from '../routes/router.port.js';

const run = promisify(execFile);

export interface NginxPaths extends RouterPaths {
  /** Today's routes, for an nginx that is started without us. */
  readonly routes: string;
  /** Policies of hosts over HTTPS, for an nginx that is started without us. */
  readonly https: string;
  readonly pidFile: string;
  /** Workers whose master was killed, and who end what they began. */
  readonly earlier: string;
}

export const nginxPaths = (config: PlatformConfig, env: NodeJS.ProcessEnv): NginxPaths => {
  const ours = routerPaths(config, { ...env, SHIPLOG_HAPROXY_SOCKET: undefined });
  const file = (name: string): string => join(ours.directory, name);
  return {
    ...ours,
    admin: join(ours.socketDirectory, 'nginx.sock'),
    config: file(NGINX_FILES.config),
    routes: file(NGINX_FILES.routes),
    https: file(NGINX_FILES.https),
    pidFile: file(NGINX_FILES.pid),
    log: file(NGINX_FILES.log),
    earlier: file('nginx.earlier'),
  };
};

const CODE = new URL('../../nginx/', import.meta.url);

/** All that lies there: a module that is added is placed, and reloaded, without being named here. */
const codeNames = async (): Promise<readonly string[]> =>
  (await readdir(CODE)).filter((name) => name.endsWith('.lua')).toSorted();

/** The configuration and what it reads, as they should be. */
export interface NginxFiles {
  readonly config: string;
  /** By name: what its workers do, in Lua, and what they say. */
  readonly others: Readonly<Record<string, string>>;
  readonly fingerprint: string;
}

export const renderFiles = async (
  config: PlatformConfig,
  paths: NginxPaths,
  program: NginxProgram,
): Promise<NginxFiles> => {
  if (/[$;?]/.test(paths.directory)) {
    const what = `SHIPLOG_HOME is ${config.home}: Nginx takes no "$", ";" or "?" in the path of its files`;
    throw new RouterError('router-config-invalid', `${what}, choose another one`);
  }
  const others = await otherFiles();
  const user = await unprivilegedUser();
  const parts: NginxConfig = {
    platform: config.platform,
    bind: config.routerBind ?? config.bind,
    port: config.routerPort,
    runAs: user,
    directory: paths.directory,
    adminSocket: paths.admin,
    modules: program.modules,
    luaLibraries: program.luaLibraries,
    ...(config.tlsPort !== undefined && {
      tls: { port: config.tlsPort, list: tlsPaths(paths).list },
    }),
    ...(config.acme !== undefined && {
      platformHost: { domain: config.domain, apiPort: config.apiPort },
    }),
    fingerprint: '0',
  };
  const hash = createHash('sha256').update(renderNginx(parts)).update(JSON.stringify(others));
  const fingerprint = hash.digest('hex').slice(0, 16);
  await check({ ...parts, fingerprint }, others, program, user);
  return { config: renderNginx({ ...parts, fingerprint }), others, fingerprint };
};

const otherFiles = async (): Promise<NginxFiles['others']> => {
  const code = (await codeNames()).map(async (name) => {
    const text = await readFile(new URL(name, CODE), 'utf8');
    return [name, text] as const;
  });
  return { ...Object.fromEntries(await Promise.all(code)), [NGINX_FILES.pages]: pagesText() };
};

export const readFiles = async (
  paths: NginxPaths,
): Promise<Pick<NginxFiles, 'config' | 'others'> | undefined> => {
  const config = await readFile(paths.config, 'utf8').catch(() => undefined);
  if (config === undefined) return undefined;
  const names = [...(await codeNames()), NGINX_FILES.pages];
  const texts = names.map(async (name) => {
    // Earlier ones had fewer files.
    const text = await readFile(join(paths.directory, name), 'utf8').catch(() => '');
    return [name, text] as const;
  });
  return { config, others: Object.fromEntries(await Promise.all(texts)) };
};

export const writeFiles = async (
  paths: NginxPaths,
  { config, others }: Pick<NginxFiles, 'config' | 'others'>,
): Promise<void> => {
  for (const [name, text] of Object.entries(others))
    await replaceFile(join(paths.directory, name), text);
  await replaceFile(paths.config, config);
};

/** A configuration is tried in a folder of its own, by somebody who may do nothing else. */
const check = async (
  parts: NginxConfig,
  others: NginxFiles['others'],
  program: NginxProgram,
  user: User | null,
): Promise<void> => {
  const directory = await mkdtemp(join(tmpdir(), 'shiplog-nginx-'));
  const ids = user === null ? {} : { uid: user.uid, gid: user.gid };
  try {
    const text = renderNginx({
      ...parts,
      directory,
      adminSocket: join(directory, 'admin.sock'),
      runAs: null,
      // Root's ports are tried by somebody who may not have them.
      port: portToTry(parts.port),
      // Nor may they read certificates.
      ...(parts.tls !== undefined && {
        tls: { port: portToTry(parts.tls.port), list: join(directory, 'crt.list') },
      }),
    });
    const file = join(directory, NGINX_FILES.config);
    await writeFile(file, text);
    const paths = Object.keys(others).map((name) => join(directory, name));
    for (const [name, text] of Object.entries(others)) await writeFile(join(directory, name), text);
    if (user !== null) {
      for (const path of [directory, file, ...paths]) await chown(path, user.uid, user.gid);
    }
    const args = ['-t', '-q', '-p', directory, '-c', file, '-e', join(directory, NGINX_FILES.log)];
    await run(program.command, args, { ...ids, cwd: '/', env: libraryPath(process.env) });
  } catch (error) {
    const said = await readFile(join(directory, NGINX_FILES.log), 'utf8').catch(() => '');
    const why = said.trim().slice(-1500) || String(error);
    throw new RouterError('router-config-invalid', `nginx refused its configuration:\n${why}`, {
      cause: error,
    });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
};

const portToTry = (port: number): number => (port < 1024 ? port + 64_000 : port);

/** Of our environment nginx gets the one thing that an unpacked package needs, and no secret. */
export const libraryPath = ({ LD_LIBRARY_PATH }: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  LD_LIBRARY_PATH === undefined ? {} : { LD_LIBRARY_PATH };

interface User {
  readonly user: string;
  readonly group: string;
  readonly uid: number;
  readonly gid: number;
}

/** As root, nginx serves as its package's user, else as nobody. */
const unprivilegedUser = async (): Promise<User | null> => {
  if (process.getuid?.() !== 0) return null;
  const [users, groups] = await Promise.all(
    ['/etc/passwd', '/etc/group'].map(async (path) =>
      (await readFile(path, 'utf8').catch(() => '')).split('\n').map((line) => line.split(':')),
    ),
  );
  for (const name of ['www-data', 'nginx', 'nobody']) {
    const found = users?.find(([user]) => user === name);
    const group = groups?.find(([, , gid]) => gid === found?.[3])?.[0];
    if (found === undefined || group === undefined) continue;
    return { user: name, group, uid: Number(found[2]), gid: Number(found[3]) };
  }
  throw new RouterError(
    'router-config-invalid',
    'this machine has no user www-data, nginx or nobody that nginx could serve as',
  );
};
