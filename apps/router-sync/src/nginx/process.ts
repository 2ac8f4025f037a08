import { spawn, type ChildProcess } from 'node:child_process';
import { open, readFile, rm, stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { PlatformConfig } from '@shiplog/runtime';
import { trimLog } from '../haproxy/process.js';
import { NginxAdmin } from './admin.js';
import { findNginx, type NginxProgram } from './binary.js';
import { addEarlier } from './earlier.js';
import {
  libraryPath,
  readFiles,
  renderFiles,
  writeFiles,
  type NginxFiles,
  type NginxPaths,
} from './files.js';
import type { NginxAnswer } from './table.js';
import { ensureTlsFiles } from '../tls/tls-files.js';
import { prepareDirectories } from '../routes/router-paths.js';
import { listenersOf, waitUntilFree, waitUntilPortIsFree } from '../routes/listeners.js';
import { RouterError } from '../routes/router.port.js';

const START_TIMEOUT_MS = 10_000;
const POLL_MS = 20;

export interface NginxProcess {
  /** Process id of the master. */
  readonly pid: number;
  /** It was running already. */
  readonly wasAdopted: boolean;
}

/**
 * Finds our nginx through the number it left, or starts one in a session of its own, so that it outlives
 * the control plane and never hears its Ctrl-C. The file of routes beside its configuration brings today's.
 */
export const ensureNginx = async (
  config: PlatformConfig,
  paths: NginxPaths,
  program?: NginxProgram,
): Promise<NginxProcess> => {
  await prepareDirectories(paths);
  if (config.tlsPort !== undefined) await ensureTlsFiles(paths);
  const found = program ?? (await findNginx(process.env));
  const pid = await nginxPid(paths);
  if (pid === undefined) return { pid: await start(config, paths, found), wasAdopted: false };
  const { fingerprint } = await assertOurs(config, paths);
  await renew(config, paths, { pid, program: found, fingerprint });
  return { pid, wasAdopted: true };
};

/** Process id of the running master, or undefined where there is none with our configuration. */
export const nginxPid = async (paths: NginxPaths): Promise<number | undefined> => {
  const pid = Number(await readFile(paths.pidFile, 'utf8').catch(() => ''));
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  const title = await titleOf(pid);
  return title.startsWith('nginx: master') && title.includes(paths.config) ? pid : undefined;
};

const titleOf = (pid: number): Promise<string> =>
  readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');

const assertOurs = async (config: PlatformConfig, paths: NginxPaths): Promise<NginxAnswer> => {
  const answer = await new NginxAdmin(paths.admin).read();
  if (answer.platform === config.platform) return answer;
  throw new RouterError(
    'router-socket-unsafe',
    `the nginx at ${paths.admin} belongs to platform "${answer.platform}", this is "${config.platform}": give one of them another SHIPLOG_HOME`,
  );
};

/**
 * An upgrade of Shiplog, another port: the nginx that runs goes on with another configuration, by one graceful
 * reload. Files that were deleted are written again. The routes stay where they are. Files that are right already say nothing
 * of what runs: whoever wrote them may have died before the reload.
 */
const renew = async (
  config: PlatformConfig,
  paths: NginxPaths,
  running: { readonly pid: number; readonly program: NginxProgram; readonly fingerprint: string },
): Promise<void> => {
  const before = await readFiles(paths);
  const after = await renderFiles(config, paths, running.program);
  const isWritten = isDeepStrictEqual(before, { config: after.config, others: after.others });
  if (running.fingerprint === after.fingerprint) {
    if (!isWritten) await writeFiles(paths, after);
    return;
  }
  for (const listener of listenersOf(config)) {
    const isOurs = before === undefined || listensOn(listener.port).test(before.config);
    if (!isOurs) await waitUntilFree(listener);
  }
  await writeFiles(paths, after);
  try {
    await reload(paths, running.pid, after);
  } catch (error) {
    // The files say what runs: the next start would fail with a configuration that could not be loaded.
    if (before !== undefined) await writeFiles(paths, before);
    throw error;
  }
};

const listensOn = (port: number): RegExp => new RegExp(`listen \\S+:${port} `);

/** Until new workers answer with the new configuration, and no old one takes a connection any more. */
const reload = async (paths: NginxPaths, pid: number, files: NginxFiles): Promise<void> => {
  const admin = new NginxAdmin(paths.admin);
  const logBefore = await sizeOf(paths.log);
  process.kill(pid, 'SIGHUP');
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline) {
    const { fingerprint, workers } = await admin.read('nothing').catch(() => NOBODY);
    const old = [...workers].filter(([, theirs]) => theirs !== files.fingerprint);
    const titles = await Promise.all(old.map(([worker]) => titleOf(worker)));
    const isOver = titles.every((title) => title === '' || title.includes('shutting down'));
    if (fingerprint === files.fingerprint && isOver) return;
    if (/\[emerg\]/.test(await logSince(paths, logBefore))) break;
    await delay(POLL_MS);
  }
  const said = (await logSince(paths, logBefore)).trim().slice(-1500);
  throw new RouterError(
    'router-config-invalid',
    `nginx did not reload, and goes on as before; it said:\n${said}`,
  );
};

const NOBODY: Pick<NginxAnswer, 'fingerprint' | 'workers'> = {
  fingerprint: '',
  workers: new Map(),
};

const sizeOf = (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  );

const logSince = async (paths: NginxPaths, offset: number): Promise<string> =>
  (await readFile(paths.log).catch(() => Buffer.alloc(0))).subarray(offset).toString('utf8');

const start = async (
  config: PlatformConfig,
  paths: NginxPaths,
  program: NginxProgram,
): Promise<number> => {
  const files = await renderFiles(config, paths, program);
  await writeFiles(paths, files);
  await endEarlierWorkers(config, paths);
  await waitUntilPortIsFree(config);
  await rm(paths.admin, { force: true });

  const logBefore = await trimLog(paths);
  const output = await open(paths.log, 'a', 0o600);
  let ended: string | undefined;
  let child: ChildProcess;
  try {
    const args = ['-p', paths.directory, '-c', paths.config, '-e', paths.log];
    child = spawn(program.command, args, {
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

  const admin = new NginxAdmin(paths.admin);
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (ended === undefined && Date.now() < deadline) {
    const { fingerprint } = await admin.read('nothing').catch(() => NOBODY);
    if (fingerprint === files.fingerprint) return child.pid ?? 0;
    await delay(POLL_MS);
  }
  const said = (await logSince(paths, logBefore)).trim().slice(-1500);
  throw new RouterError(
    /in use/i.test(said) ? 'router-port-taken' : 'router-config-invalid',
    `nginx did not start (${ended ?? 'no answer at its socket'}); it said:\n${said}`,
  );
};

/**
 * Workers serve on when their master is killed, but nobody replaces them: the new ones take over. They end
 * what they began; until then they count for whatever is taken out of routing (`addEarlier`).
 */
const endEarlierWorkers = async (config: PlatformConfig, paths: NginxPaths): Promise<void> => {
  const answer = await new NginxAdmin(paths.admin).read('nothing').catch(() => undefined);
  if (answer === undefined || answer.platform !== config.platform) return;
  const pids = await addEarlier(paths, [...answer.workers.keys()]);
  for (const pid of pids) {
    if ((await titleOf(pid)).startsWith('nginx: worker')) process.kill(pid, 'SIGQUIT');
  }
};
