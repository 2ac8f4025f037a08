import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('main.mjs', import.meta.url));

/** The double of EventStoreDB, running as a process of its own on a store that outlives it. */
export interface TestEsdb {
  readonly port: number;
  /** Connection string without TLS. */
  readonly url: string;
  readonly process: ChildProcess;
  kill(): Promise<void>;
  /** Kills it with -9 and starts it again on the same port and store. */
  restart(): Promise<void>;
  /** The same with an empty store. */
  emptyLog(): Promise<void>;
  close(): Promise<void>;
}

interface EsdbOptions {
  readonly args?: readonly string[];
  /** Where its store lies; default: a folder of its own, which goes with it. */
  readonly folder?: string;
  readonly env?: NodeJS.ProcessEnv;
}

export const startEsdb = async ({ args = [], ...options }: EsdbOptions = {}): Promise<TestEsdb> => {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'shiplog-esdb-')));
  const file = join(folder, 'esdb-events.ndjson');
  const start = (port: string): Promise<{ child: ChildProcess; port: number }> =>
    startProcess(['--db', file, '--port', port, ...args], options.env ?? process.env);
  let running = await start('0');
  const { port } = running;
  const kill = async (): Promise<void> => {
    if (running.child.exitCode !== null || running.child.signalCode !== null) return;
    const exit = once(running.child, 'exit');
    running.child.kill('SIGKILL');
    await exit;
  };
  const restart = async (): Promise<void> => {
    await kill();
    running = await start(String(port));
  };
  return {
    port,
    url: `esdb://127.0.0.1:${port}?tls=false`,
    get process() {
      return running.child;
    },
    kill,
    restart,
    emptyLog: async () => {
      await kill();
      await rm(file, { force: true });
      running = await start(String(port));
    },
    close: async () => {
      await kill();
      if (options.folder === undefined) await rm(folder, { recursive: true, force: true });
    },
  };
};

const startProcess = async (
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ child: ChildProcess; port: number }> => {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit').then(() => {
    throw new Error('the double of EventStoreDB ended before it listened');
  });
  // It may end later, when nobody waits for it any more.
  ended.catch(() => undefined);
  const [line] = (await Promise.race([
    once(createInterface({ input: child.stdout }), 'line'),
    ended,
  ])) as [string];
  return { child, port: Number(line.replace('listening ', '')) };
};
