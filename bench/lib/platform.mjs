// A real platform for a benchmark: started by `npm start` on a home and ports of its own, gone afterwards.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openShiplogClient } from '@shiplog/api-client';
import { connectEngine, ownedBy } from '@shiplog/engine';
import { freePort } from '@shiplog/provisioner/testing';
import { pathsOf, readConfig } from '@shiplog/runtime';
import { waitFor } from './wait.mjs';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const READY_WITHIN_MS = 300_000;
/** Of CPU within two seconds. */
const AT_REST_MS_MAX = 200;

export class BenchPlatform {
  #child;
  #pid;

  constructor(name, home, env) {
    this.name = name;
    this.home = home;
    this.env = env;
    this.config = readConfig(env);
  }

  static async create(purpose) {
    await removeAbandoned();
    const name = `bench-${purpose}-${process.pid}`;
    const platform = await BenchPlatform.in(
      await mkdtemp(join(tmpdir(), `shiplog-${name}-`)),
      name,
    );
    // Killed by a signal that can be heard: nothing stays.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
      process.once(signal, () => void platform.destroy().finally(() => process.exit(1)));
    return platform;
  }

  /** In a home that may be there already, of a platform of that name. */
  static async in(home, name) {
    const env = {
      ...process.env,
      SHIPLOG_HOME: home,
      SHIPLOG_PLATFORM: name,
      SHIPLOG_NODE: 'bench',
      SHIPLOG_API_PORT: String(await freePort()),
      SHIPLOG_ROUTER_PORT: String(await freePort()),
      SHIPLOG_NATS_PORT: String(await freePort()),
      // `npm run bench` has just built; sources that change meanwhile are another version.
      SHIPLOG_SKIP_BUILD: '1',
      NO_COLOR: '1',
    };
    return new BenchPlatform(name, home, env);
  }

  /** Pid of the control plane. */
  get pid() {
    return this.#pid;
  }

  /** Until the control plane does next to nothing: after a long log grew from outside, it signs and keeps snapshots of it. */
  async atRest(withinMs = 15 * 60_000) {
    const isAtRest = async () => {
      const before = await cpuMsOf(this.#pid);
      await delay(2_000);
      return (await cpuMsOf(this.#pid)) - before < AT_REST_MS_MAX;
    };
    await waitFor('the platform to be at rest', isAtRest, { timeoutMs: withinMs });
  }

  /** Milliseconds from the command a person types until the platform says that it is ready. */
  async start(withinMs = READY_WITHIN_MS) {
    let output = '';
    const startedAt = performance.now();
    const child = spawn('npm', ['start', '--silent', '--', '--yes', '--no-sample'], {
      cwd: ROOT,
      env: this.env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => (output += chunk.toString('utf8')));
    const file = pathsOf(this.home).ready;
    await waitFor(
      'the platform to be ready',
      async () => {
        if (child.exitCode !== null) throw new Error(`it ended: ${output}`);
        if (!existsSync(file)) return false;
        const { pid } = JSON.parse(await readFile(file, 'utf8'));
        // One of an earlier life stays until this start removes it, as its first act.
        if (!existsSync(`/proc/${pid}`)) return false;
        this.#pid = pid;
        return true;
      },
      { timeoutMs: withinMs },
    );
    return performance.now() - startedAt;
  }

  /** The first administrator's. */
  async credentials() {
    return JSON.parse(await readFile(pathsOf(this.home).credentials, 'utf8'));
  }

  async client() {
    const { token } = await this.credentials();
    return openShiplogClient({ url: `http://127.0.0.1:${this.config.apiPort}`, token });
  }

  /** Whoever runs its processes each on its own is told before everything ends. */
  beforeTheEnd = () => Promise.resolve();

  /** Ctrl-C, or another signal, to the control plane; nats-server, HAProxy and apps go on. */
  async stop(signal = 'SIGINT') {
    if (this.#child === undefined || this.#child.exitCode !== null) return;
    const child = this.#child;
    const closed = new Promise((resolve) => child.once('exit', resolve));
    if (this.#pid === undefined) child.kill('SIGKILL');
    else signalTo(this.#pid, signal);
    await closed;
    this.#child = undefined;
  }

  /** nats-server and HAProxy outlive the control plane; told from others by the files they were started with. */
  async companions() {
    const { natsConfig, router } = pathsOf(this.home);
    const files = [natsConfig, join(router, 'haproxy.cfg')];
    const found = [];
    for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
      const args = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      if (args.split('\0').some((argument) => files.includes(argument))) found.push(Number(pid));
    }
    return found;
  }

  /** Pid of the nats-server that runs on this home, or undefined. */
  async natsServer() {
    const file = pathsOf(this.home).natsConfig;
    for (const pid of await this.companions()) {
      const args = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      if (args.split('\0').includes(file)) return pid;
    }
    return undefined;
  }

  /** As after a power cut: control plane, nats-server and proxy are dead. */
  async killAll() {
    await this.beforeTheEnd();
    await this.stop('SIGKILL');
    const pids = await this.companions();
    for (const pid of pids) signalTo(pid, 'SIGKILL');
    await waitFor('everything to be dead', () => pids.every((pid) => !existsSync(`/proc/${pid}`)));
  }

  /** Nothing of it stays: processes, containers, images, networks, files. */
  async destroy() {
    await this.killAll();
    const engine = connectEngine();
    const ours = { all: true, filters: ownedBy(this.name) };
    const ignore = () => undefined;
    for (const { Id } of await engine.listContainers(ours))
      await engine.getContainer(Id).remove({ force: true, v: true }).catch(ignore);
    for (const { Id } of await engine.listImages({ filters: ownedBy(this.name) }))
      await engine.getImage(Id).remove({ force: true }).catch(ignore);
    for (const { Id } of await engine.listNetworks({ filters: ownedBy(this.name) }))
      await engine.getNetwork(Id).remove().catch(ignore);
    await rm(this.home, { recursive: true, force: true });
  }
}

const HOME = /^shiplog-(bench-\w+-(\d+))-/;

/** What benchmarks left that were killed by a signal that nobody hears. */
const removeAbandoned = async () => {
  for (const folder of await readdir(tmpdir())) {
    const [, name, owner] = HOME.exec(folder) ?? [];
    if (name === undefined || existsSync(`/proc/${owner}`)) continue;
    const home = join(tmpdir(), folder);
    for (const pid of await controlPlanesOf(home)) signalTo(pid, 'SIGKILL');
    await (await BenchPlatform.in(home, name)).destroy();
  }
};

const controlPlanesOf = async (home) => {
  const found = [];
  for (const pid of (await readdir('/proc')).filter((each) => /^\d+$/.test(each))) {
    const env = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
    if (env.split('\0').includes(`SHIPLOG_HOME=${home}`)) found.push(Number(pid));
  }
  return found;
};

const signalTo = (pid, signal) => {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
};

const cpuMsOf = async (pid) => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const [userTicks, systemTicks] = stat.split(') ')[1].split(' ').slice(11, 13).map(Number);
  return (userTicks + systemTicks) * 10;
};

/** Resident memory of a process, in bytes; what it shares with others counts, as `ps` counts it. */
export const residentBytesOf = async (pid) => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
};
