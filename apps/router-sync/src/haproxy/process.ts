import { spawn, type ChildProcess } from 'node:child_process';
import { open, readFile, rm, stat, truncate } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { PlatformConfig } from '@shiplog/runtime';
import { findHaproxy } from './binary.js';
import { ensureStateFiles, readPool, writeConfig, writePool } from './files.js';
import { replaceFile } from '../replace-file.js';
import { StateFiles } from './state-files.js';
import { readPoolSize, readState } from './read.js';
import { HaproxyRuntime } from './runtime.js';
import { ensureTlsFiles } from '../tls/tls-files.js';
import { parseWorkers, type Workers } from './state.js';
import type { PoolSize } from './render.js';
import { prepareDirectories, type RouterPaths } from '../routes/router-paths.js';
import { isFree, listenersOf, waitUntilFree, waitUntilPortIsFree } from '../routes/listeners.js';
import { RouterError } from '../routes/router.port.js';

const START_TIMEOUT_MS = 10_000;
const MASTER_TIMEOUT_MS = 1_000;
const POLL_MS = 20;
const LOG_BYTES_MAX = 10 * 1024 * 1024;

export interface HaproxyProcess {
  /** Process id of the master; undefined where somebody else runs HAProxy. */
  readonly pid: number | undefined;
  /** It was running already. */
  readonly wasAdopted: boolean;
}

/**
 * Finds our HAProxy through its socket, or starts one in a session of its own, so that it outlives the
 * control plane and never hears its Ctrl-C. The files beside its configuration bring today's routes.
 */
export const ensureProcess = async (
  config: PlatformConfig,
  paths: RouterPaths,
  binary?: string,
): Promise<HaproxyProcess> => {
  await prepareDirectories(paths);
  await ensureStateFiles(paths);
  if (config.tlsPort !== undefined && !paths.isExternal) await ensureTlsFiles(paths);
  if (paths.isExternal) {
    await new HaproxyRuntime(paths.admin).ask(['show info']);
    return { pid: undefined, wasAdopted: true };
  }
  const pid = await adopt(config, paths);
  if (pid !== undefined) return { pid, wasAdopted: true };
  return { pid: await start(config, paths, binary), wasAdopted: false };
};

const adopt = async (config: PlatformConfig, paths: RouterPaths): Promise<number | undefined> => {
  const pid = await masterPid(paths);
  if (pid === undefined) return undefined;
  await assertOurs(config, paths);
  await renew(config, paths);
  return pid;
};

/**
 * An upgrade of Shiplog, another port, files that were deleted: the proxy that runs goes on with another
 * configuration, and with what it holds now, whatever the files say.
 */
export const renew = async (config: PlatformConfig, paths: RouterPaths): Promise<void> => {
  const runtime = new HaproxyRuntime(paths.admin);
  const before = await readFile(paths.config, 'utf8').catch(() => undefined);
  for (const listener of listenersOf(config)) {
    if (before !== undefined && !servesPort(before, listener.port)) await waitUntilFree(listener);
  }
  const pool = await readPoolSize(runtime);
  if (!(await writeConfig(config, paths, pool))) return;
  await new StateFiles(paths).write((await readState(runtime)).state);
  await reloadOrKeep(paths, { config: before, pool });
};

/** The files say what runs: the next start would fail with a configuration that could not be loaded. */
const reloadOrKeep = async (
  paths: RouterPaths,
  before: { readonly config: string | undefined; readonly pool: PoolSize },
  restore = (): Promise<void> => Promise.resolve(),
): Promise<void> => {
  try {
    await reload(paths);
  } catch (error) {
    await restore();
    if (before.config !== undefined) await replaceFile(paths.config, before.config);
    await writePool(paths, before.pool);
    throw error;
  }
};

const servesPort = (configText: string, port: number): boolean =>
  new RegExp(`^\\s*bind \\S+:${port}(?: ssl .*)?$`, 'm').test(configText);

const assertOurs = async (config: PlatformConfig, paths: RouterPaths): Promise<void> => {
  const [info = ''] = await new HaproxyRuntime(paths.admin).ask(['show info']);
  const node = /^node: (.*)$/m.exec(info)?.[1];
  if (node === config.platform) return;
  throw new RouterError(
    'router-socket-unsafe',
    `the HAProxy at ${paths.admin} belongs to platform "${node}", this is "${config.platform}": give one of them another SHIPLOG_HOME`,
  );
};

/** Process id of the running master, or undefined where nobody answers at its socket. */
export const masterPid = async (paths: RouterPaths): Promise<number | undefined> => {
  const answer = await new HaproxyRuntime(paths.master)
    .askMaster('show proc')
    .catch(() => undefined);
  const pid = /^(\d+)\s+master\b/m.exec(answer ?? '')?.[1];
  return pid === undefined ? undefined : Number(pid);
};

/** The workers as the master knows them; where there is no master, there is one worker. */
export const workersOf = async (paths: RouterPaths): Promise<Workers> => {
  const answer = await new HaproxyRuntime(paths.master)
    .askMaster('show proc')
    .catch((error: unknown) => {
      if (paths.isExternal) return '';
      throw error;
    });
  const workers = parseWorkers(answer);
  // No word of old workers must never mean that there are none.
  if (workers.current === undefined && !paths.isExternal) {
    throw new RouterError('router-unreachable', `the master at ${paths.master} names no worker`);
  }
  return workers;
};

const start = async (
  config: PlatformConfig,
  paths: RouterPaths,
  binary: string | undefined,
): Promise<number> => {
  const command = binary ?? (await findHaproxy(process.env));
  await waitUntilPortIsFree(config);
  await writeConfig(config, paths, await poolToServe(config, paths));
  await Promise.all([paths.admin, paths.master].map((path) => rm(path, { force: true })));

  const logBefore = await trimLog(paths);
  const output = await open(paths.log, 'a', 0o600);
  let ended: string | undefined;
  let child: ChildProcess;
  try {
    child = spawn(command, ['-W', '-f', paths.config, '-S', `${paths.master},mode,600`], {
      detached: true,
      stdio: ['ignore', output.fd, output.fd],
      cwd: '/',
      env: libraryPath(process.env),
    });
    child.once('error', (error) => (ended = error.message));
    child.once('exit', (code, signal) => (ended = `it ended with ${code ?? signal}`));
    child.unref();
  } finally {
    await output.close();
  }

  const deadline = Date.now() + START_TIMEOUT_MS;
  while (ended === undefined && Date.now() < deadline) {
    if ((await masterPid(paths)) !== undefined && (await isServing(paths))) return child.pid ?? 0;
    await delay(POLL_MS);
  }
  const said = (await readFile(paths.log, 'utf8')).slice(logBefore).trim().slice(-1500);
  throw new RouterError(
    /cannot bind|already in use/i.test(said) ? 'router-port-taken' : 'router-config-invalid',
    `haproxy did not start (${ended ?? 'no answer at its socket'}); it said:\n${said}`,
  );
};

/** Another program may have taken a port of an app meanwhile: the others are served all the same. */
const poolToServe = async (config: PlatformConfig, paths: RouterPaths): Promise<PoolSize> => {
  const { ports = [], ...pool } = await readPool(paths);
  const host = config.routerBind ?? config.bind;
  const free: number[] = [];
  for (const port of ports) if (await isFree(host, port)) free.push(port);
  return free.length === 0 ? pool : { ...pool, ports: free };
};

/** Of our environment HAProxy gets the one thing that an unpacked package needs, and no secret. */
const libraryPath = ({ LD_LIBRARY_PATH }: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  LD_LIBRARY_PATH === undefined ? {} : { LD_LIBRARY_PATH };

const isServing = async (paths: RouterPaths): Promise<boolean> =>
  new HaproxyRuntime(paths.admin).ask(['show info']).then(
    () => true,
    () => false,
  );

/** HAProxy appends a few lines whenever a server comes or goes, for as long as it lives. Its size then. */
export const trimLog = async (paths: RouterPaths): Promise<number> => {
  const size = await stat(paths.log).then(
    (found) => found.size,
    () => 0,
  );
  if (size < LOG_BYTES_MAX) return size;
  await truncate(paths.log);
  return 0;
};

/** The master loads the configuration as it is now and hands its sockets on; old workers finish their requests. */
export const reload = async (paths: RouterPaths): Promise<void> => {
  const master = new HaproxyRuntime(paths.master);
  const look = async (): Promise<Workers> =>
    parseWorkers(await master.askMaster('show proc').catch(() => ''));
  const before = await look();
  await master.askMaster('reload');
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline) {
    const { current, failedReloads } = await look();
    if (failedReloads > before.failedReloads) break;
    const isNew = current !== undefined && current !== before.current;
    if (isNew && (await workerAt(paths)) === current) return;
    await delay(POLL_MS);
  }
  const said = (await readFile(paths.log, 'utf8').catch(() => '')).trim().slice(-1500);
  throw new RouterError('router-config-invalid', `haproxy did not reload; it said:\n${said}`);
};

const workerAt = async (paths: RouterPaths): Promise<number | undefined> => {
  const [info = ''] = await new HaproxyRuntime(paths.admin).ask(['show info']).catch(() => []);
  const pid = /^Pid: (\d+)$/m.exec(info)?.[1];
  return pid === undefined ? undefined : Number(pid);
};

/** A master listens a moment after its first worker serves. */
const hasMaster = async (paths: RouterPaths): Promise<boolean> => {
  for (const deadline = Date.now() + MASTER_TIMEOUT_MS; Date.now() < deadline;) {
    if ((await masterPid(paths)) !== undefined) return true;
    await delay(POLL_MS);
  }
  return false;
};

/**
 * Other places. `files.write` writes what is to be in them, after the configuration that has them: whoever starts
 * HAProxy between the two gets no route to a place that there is not. `files.restore`: as it was, when it is not loaded.
 */
export const grow = async (
  config: PlatformConfig,
  paths: RouterPaths,
  pool: PoolSize,
  files: { readonly write: () => Promise<void>; readonly restore: () => Promise<void> },
): Promise<void> => {
  if (paths.isExternal && !(await hasMaster(paths))) {
    throw new RouterError(
      'router-full',
      `all ${(await readPool(paths)).backends} places of the router are taken, and its HAProxy cannot be reloaded from here: start it with -S ${paths.master}`,
    );
  }
  const before = {
    config: await readFile(paths.config, 'utf8').catch(() => undefined),
    pool: await readPool(paths),
  };
  await writeConfig(config, paths, pool);
  await files.write();
  await reloadOrKeep(paths, before, files.restore);
};
