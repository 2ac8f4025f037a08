import { readFile, writeFile, mkdir } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { OperationalError, pathsOf } from '@shiplog/runtime';
import { findNatsServer } from './find-nats-server.js';
import { inspectHealth, inspectServer, type ServerFacts } from './inspect-server.js';
import { NotDurableError, assertDurable } from './prove-durability.js';
import {
  findServerProcess,
  isAlive,
  spawnServer,
  stopServerProcess,
  type StartedServer,
} from './server-process.js';
import {
  pidFileOf,
  serverNameOf,
  writeNatsConfig,
  type ServerConfig,
} from './write-nats-config.js';

/** nats-server did not come up, and why. */
export class NatsServerError extends OperationalError {
  constructor(
    readonly code: 'port-taken' | 'nats-server-failed' | 'data-directory-locked',
    doing: string,
    options?: ErrorOptions,
  ) {
    super(doing, options);
  }
  readonly retryable = false;
}

export interface NatsServer {
  readonly pid: number;
  readonly how: 'adopted' | 'started';
  isAlive(): boolean;
  /** Ends the server: only for `down` and tests, a stop of the control plane leaves it running. */
  stop(): Promise<void>;
}

/** A long log takes a while to be opened. */
const READY_TIMEOUT_MS = 60_000;
/** How long a killed server may take to let go of its port. */
const DYING_MS = 2_000;
const LOOPBACK = '127.0.0.1';

/**
 * The platform's nats-server, running with today's configuration: the one that runs already, or a new
 * one. It listens on loopback whatever `SHIPLOG_BIND` says, because only processes of this machine talk to it.
 */
export const ensureNatsServer = async (
  config: ServerConfig,
  binary?: string,
  importerKey?: string,
): Promise<NatsServer> => {
  const { logs, natsStore } = pathsOf(config.home);
  for (const folder of [logs, natsStore]) await mkdir(folder, { recursive: true, mode: 0o700 });
  const logFile = logFileOf(config.home);
  const { digest } = await writeOwnConfig(config, importerKey);

  const running = await findServerProcess(config.home);
  if (running !== undefined) {
    if (await isUsable(config, digest)) return handleOf(running, 'adopted');
    await stopServerProcess(running);
  }
  if (await staysTaken(config.natsPort)) {
    throw new NatsServerError(
      'port-taken',
      `port ${config.natsPort} on ${LOOPBACK} is taken by another program; stop it, or set SHIPLOG_NATS_PORT to a free port`,
    );
  }
  const output = join(logs, 'nats-server.out');
  const started = await spawnServer(config.home, binary ?? (await findNatsServer()), output);
  await untilReady(config, started, [logFile, output]);
  await writeFile(runningFileOf(config.home), JSON.stringify({ pid: started.pid, digest }));
  return handleOf(started.pid, 'started');
};

/** The configuration of a server of this machine: nobody else reaches it. */
export const writeOwnConfig = (
  config: ServerConfig,
  importerKey?: string,
): ReturnType<typeof writeNatsConfig> =>
  writeNatsConfig(config, {
    host: LOOPBACK,
    logFile: logFileOf(config.home),
    pidFile: pidFileOf(config.home),
    importerKey,
  });

const logFileOf = (home: string): string => join(pathsOf(home).logs, 'nats-server.log');

const handleOf = (pid: number, how: NatsServer['how']): NatsServer => ({
  pid,
  how,
  isAlive: () => isAlive(pid),
  stop: () => stopServerProcess(pid),
});

/** Which configuration the running server was started with. */
const runningFileOf = (home: string): string =>
  join(dirname(pathsOf(home).natsConfig), 'running.json');

/** Ours, durable, healthy, on our store and with exactly today's configuration; anything else is restarted. */
const isUsable = async (config: ServerConfig, digest: string): Promise<boolean> => {
  try {
    const text = await readFile(runningFileOf(config.home), 'utf8');
    if ((JSON.parse(text) as { digest?: unknown }).digest !== digest) return false;
    const facts = await inspectServer(config, 5_000);
    assertDurable(facts);
    return isOurStore(config, facts) && (await inspectHealth(config, 5_000)) === undefined;
  } catch {
    // Unreachable, other users, not durable: a new one is started in its place.
    return false;
  }
};

const isOurStore = (config: ServerConfig, facts: ServerFacts): boolean =>
  facts.name === serverNameOf(config) &&
  facts.storeDirectory.startsWith(pathsOf(config.home).natsStore);

const untilReady = async (
  config: ServerConfig,
  started: StartedServer,
  logFiles: readonly string[],
): Promise<void> => {
  let ended: 'locked' | 'failed' | undefined;
  void started.ended.then((how) => (ended = how));
  const deadline = performance.now() + READY_TIMEOUT_MS;
  let last: unknown;
  while (performance.now() < deadline && ended === undefined) {
    try {
      const facts = await inspectServer(config, 0);
      assertDurable(facts);
      if (isOurStore(config, facts)) return;
    } catch (error) {
      if (error instanceof NotDurableError) {
        await stopServerProcess(started.pid);
        throw error;
      }
      last = error;
    }
    await delay(10);
  }
  if (ended === 'locked') {
    throw new NatsServerError(
      'data-directory-locked',
      `another nats-server uses ${pathsOf(config.home).natsStore}; two on one store lose commits. Stop it first`,
    );
  }
  if (ended === undefined) await stopServerProcess(started.pid);
  throw new NatsServerError(
    'nats-server-failed',
    `starting nats-server; its last lines:\n${await lastLines(logFiles)}`,
    { cause: last },
  );
};

const lastLines = async (files: readonly string[]): Promise<string> => {
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')));
  return texts.flatMap((text) => text.trim().split('\n').slice(-5)).join('\n');
};

/** A server that is dying still holds its port when it is no process of ours any more. */
const staysTaken = async (port: number): Promise<boolean> => {
  const deadline = performance.now() + DYING_MS;
  while (await isListening(port)) {
    if (performance.now() > deadline) return true;
    await delay(20);
  }
  return false;
};

const isListening = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createConnection({ host: LOOPBACK, port });
    const done = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
    socket.setTimeout(2_000, () => done(false));
  });
