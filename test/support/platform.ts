import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connectEngine, LABEL, ownedBy } from '@shiplog/engine';
import { childrenOf } from './children.js';
import { startEsdb, type TestEsdb } from './esdb/start-esdb.js';
import { waitFor } from './wait.js';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end; never throws for its exit code. */
export const runProgram = (
  program: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; input?: string } = {},
): Promise<Finished> =>
  new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: options.cwd, env: options.env ?? process.env });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString('utf8')));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString('utf8')));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
    // A program that reads nothing may have ended already.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
  });

export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        resolve(typeof address === 'object' && address !== null ? address.port : 0),
      );
    });
  });

export interface PlatformOptions {
  readonly name: string;
  readonly env?: NodeJS.ProcessEnv;
  /** What holds its log; default: what SHIPLOG_TEST_EVENT_LOG says, else nats-server. */
  readonly log?: 'jetstream' | 'esdb';
}

export interface Daemon {
  readonly pid: number;
  /** Its arguments, each ended by a zero byte. */
  readonly line: string;
}

/** In the home of a test's platform: which process owns it. */
const OWNER_FILE = 'test-run.json';

/** A real platform on this machine, with its own home, ports and name: started as a person starts it. */
export class TestPlatform {
  private child: ChildProcess | undefined;
  output = '';

  private constructor(
    readonly name: string,
    readonly home: string,
    readonly env: NodeJS.ProcessEnv,
  ) {}

  static async create(options: PlatformOptions): Promise<TestPlatform> {
    const name = `${options.name}-${Math.floor(process.uptime() * 1000).toString(36)}`;
    const home = await mkdtemp(join(tmpdir(), `shiplog-${name}-`));
    await writeFile(join(home, OWNER_FILE), JSON.stringify({ name, pid: process.pid }));
    const [api, router, nats] = [await freePort(), await freePort(), await freePort()];
    const owned = { ...process.env, SHIPLOG_HOME: home };
    const isEsdb = (options.log ?? process.env['SHIPLOG_TEST_EVENT_LOG']) === 'esdb';
    // It ends with everything else that has this home in its environment.
    const esdb = isEsdb ? await esdbIn(join(home, 'esdb'), owned) : undefined;
    return new TestPlatform(name, home, {
      ...owned,
      ...(esdb === undefined ? {} : { SHIPLOG_EVENT_LOG: esdb.url }),
      SHIPLOG_PLATFORM: name,
      SHIPLOG_API_PORT: String(api),
      SHIPLOG_ROUTER_PORT: String(router),
      SHIPLOG_NATS_PORT: String(nats),
      NO_COLOR: '1',
      ...options.env,
    });
  }

  static async start(options: PlatformOptions): Promise<TestPlatform> {
    const platform = await TestPlatform.create(options);
    await platform.start();
    return platform;
  }

  /** The platform of a test run that was killed before it could clean up; undefined for any other folder. */
  static async abandoned(home: string): Promise<TestPlatform | undefined> {
    const text = await readFile(join(home, OWNER_FILE), 'utf8').catch(() => undefined);
    if (text === undefined) return undefined;
    const { name, pid } = JSON.parse(text) as { name: string; pid: number };
    if (existsSync(`/proc/${pid}`)) return undefined;
    return new TestPlatform(name, home, process.env);
  }

  get routerUrl(): string {
    return `http://127.0.0.1:${this.env['SHIPLOG_ROUTER_PORT'] ?? ''}`;
  }
  get apiUrl(): string {
    return `http://127.0.0.1:${this.env['SHIPLOG_API_PORT'] ?? ''}`;
  }
  get pid(): number {
    return this.child?.pid ?? 0;
  }

  /** Starts the platform and waits until it says that it is ready. Answers how long that took. */
  async start(
    args: readonly string[] = ['--yes', '--no-sample'],
    env: NodeJS.ProcessEnv = {},
  ): Promise<number> {
    const startedAt = performance.now();
    // A process group of its own, so that Ctrl-C of the test runner is not ours, and kill -9 is.
    const child = spawn(process.execPath, [join(ROOT, 'scripts/start.cjs'), ...args], {
      cwd: ROOT,
      env: { ...this.env, ...env },
      detached: true,
    });
    this.child = child;
    this.output = '';
    const collect = (chunk: Buffer): void => {
      this.output += chunk.toString('utf8');
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    const ready = join(this.home, 'ready.json');
    await waitFor(
      `platform ${this.name} to be ready`,
      async () => {
        if (child.exitCode !== null)
          throw new Error(`it ended with ${child.exitCode}:\n${this.output}`);
        // A start takes away what the last one left.
        const text = await readFile(ready, 'utf8').catch(() => undefined);
        if (text === undefined) return false;
        const { pid } = JSON.parse(text) as { pid: number };
        return pid === child.pid;
      },
      { timeoutMs: 240_000, everyMs: 20, describe: () => this.output },
    );
    return performance.now() - startedAt;
  }

  /** What `npm start` says while this platform runs already. */
  startSecond(): Promise<Finished> {
    return runProgram(process.execPath, [join(ROOT, 'scripts/start.cjs'), '--yes', '--no-sample'], {
      cwd: ROOT,
      env: this.env,
    });
  }

  /** Ctrl-C, as a person would. */
  async stop(): Promise<void> {
    await this.end('SIGINT');
  }

  /** kill -9 of the control plane only: nats-server, HAProxy and apps go on. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const { child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('close', resolve));
    child.kill(signal);
    await ended;
  }

  async token(): Promise<string> {
    const file = await readFile(join(this.home, 'credentials.json'), 'utf8');
    return (JSON.parse(file) as { token: string }).token;
  }

  /** `./shiplog` with this platform's address and the administrator's token. */
  async cli(
    args: readonly string[],
    options: { cwd?: string; input?: string } = {},
  ): Promise<Finished> {
    return runProgram(join(ROOT, 'shiplog'), args, {
      ...options,
      env: {
        ...this.env,
        SHIPLOG_URL: this.apiUrl,
        SHIPLOG_TOKEN: await this.token(),
        XDG_CONFIG_HOME: join(this.home, 'cli'),
      },
    });
  }

  /** Runs the CLI, expects exit code 0, and gives what `--json` printed. */
  async json<T>(
    args: readonly string[],
    options: { cwd?: string; input?: string } = {},
  ): Promise<T> {
    const result = await this.cli(['--json', ...args], options);
    if (result.code !== 0) {
      throw new Error(
        `shiplog ${args.join(' ')} ended with ${result.code}\n${result.stdout}\n${result.stderr}`,
      );
    }
    return JSON.parse(result.stdout || 'null') as T;
  }

  /** One request to an app through the router. */
  async get(
    app: string,
    path = '/',
    more: Readonly<Record<string, string>> = {},
  ): Promise<{ status: number; body: string; headers: Headers }> {
    const domain = this.env['SHIPLOG_DOMAIN'] ?? 'localhost';
    const { request } = await import('node:http');
    return new Promise((resolve, reject) => {
      const asked = request(
        `${this.routerUrl}${path}`,
        { headers: { ...more, host: `${app}.${domain}`, connection: 'close' }, timeout: 20_000 },
        (answer) => {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => chunks.push(chunk));
          answer.on('error', reject);
          answer.on('end', () =>
            resolve({
              status: answer.statusCode ?? 0,
              body: Buffer.concat(chunks).toString('utf8'),
              headers: new Headers(answer.headers as Record<string, string>),
            }),
          );
        },
      );
      asked.on('timeout', () => asked.destroy(new Error('no answer in 20 s')));
      asked.on('error', reject);
      asked.end();
    });
  }

  /** Our containers on the engine, running or not. */
  async containers(app?: string) {
    const all = await connectEngine().listContainers({ all: true, filters: ownedBy(this.name) });
    const appId =
      app === undefined
        ? undefined
        : (await this.json<{ id: string }>(['apps', 'show', '-a', app])).id;
    return all.filter((c) => appId === undefined || c.Labels[LABEL.app] === appId);
  }

  /** Nothing of this platform stays: processes, containers, images, networks, files. */
  async destroy(): Promise<void> {
    await this.end('SIGKILL');
    killAll([...(await this.ownProcesses()), ...(await this.daemons())]);
    const engine = connectEngine();
    const containers = await engine.listContainers({ all: true, filters: ownedBy(this.name) });
    await Promise.all(
      containers.map((c) =>
        engine
          .getContainer(c.Id)
          .remove({ force: true, v: true })
          .catch(() => undefined),
      ),
    );
    const images = await engine.listImages({ filters: ownedBy(this.name) });
    for (const image of images)
      await engine
        .getImage(image.Id)
        .remove({ force: true })
        .catch(() => undefined);
    const networks = await engine.listNetworks({ filters: ownedBy(this.name) });
    for (const network of networks)
      await engine
        .getNetwork(network.Id)
        .remove()
        .catch(() => undefined);
    await rm(this.home, { recursive: true, force: true });
  }

  /** nats-server and the proxy outlive the control plane on purpose; found by the home in their arguments. */
  async daemons(which = /nats-server|haproxy|nginx/): Promise<readonly Daemon[]> {
    const found: Daemon[] = [];
    for (const entry of await readdir('/proc')) {
      const pid = Number(entry);
      if (!Number.isInteger(pid) || pid === process.pid) continue;
      const line = await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => '');
      if (line.includes(this.home) && which.test(line)) found.push({ pid, line });
    }
    const masters = found.filter(({ line }) => line.startsWith('nginx: master'));
    for (const { pid } of masters) found.push(...(await childrenOf(pid)));
    return found;
  }

  /** kill -9, and waits until they are gone: with what they held, their files and ports. */
  async killDaemons(which?: RegExp): Promise<void> {
    const killed = await this.daemons(which);
    killAll(killed);
    await waitFor('daemons to end', () => killed.every(({ pid, line }) => !isSame(pid, line)));
  }

  /** Processes of ours that a test run left: known by the home in their environment. */
  private async ownProcesses(): Promise<readonly Daemon[]> {
    const found: Daemon[] = [];
    for (const entry of await readdir('/proc')) {
      const pid = Number(entry);
      if (!Number.isInteger(pid) || pid === process.pid) continue;
      const text = await readFile(`/proc/${entry}/environ`, 'utf8').catch(() => '');
      if (text.split('\0').includes(`SHIPLOG_HOME=${this.home}`)) found.push({ pid, line: '' });
    }
    return found;
  }
}

const esdbIn = async (folder: string, env: NodeJS.ProcessEnv): Promise<TestEsdb> => {
  await mkdir(folder, { mode: 0o700 });
  return startEsdb({ folder, env });
};

const isSame = (pid: number, line: string): boolean => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8') === line;
  } catch {
    return false;
  }
};

const killAll = (daemons: readonly Daemon[]): void => {
  for (const { pid } of daemons) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself between the look and the kill.
    }
  }
};
