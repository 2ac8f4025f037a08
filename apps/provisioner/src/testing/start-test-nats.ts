import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathsOf, readConfig, type PlatformConfig } from '@shiplog/runtime';
import { ensureNatsServer, type NatsServer } from '../ensure-nats-server.js';
import type { LogStreamOptions } from '../log-stream.js';
import { provision } from '../provision.js';

/** A real, provisioned nats-server in a home of its own, as a platform has it. */
export interface TestNats {
  readonly config: PlatformConfig;
  /** The server that runs now; another one after `restart`. */
  server(): NatsServer;
  /** Kills it with -9 and starts it again on the same port and store. */
  restart(): Promise<void>;
  kill(): void;
  /** Ends the server, removes its store and starts it on an empty log: nobody may delete one that runs. */
  emptyLog(): Promise<void>;
  /** Ends the server and removes the home. */
  close(): Promise<void>;
}

/** Finds the program as `npm start` does; a free port; durability `disk`, as in production. */
export const startTestNats = async (options: LogStreamOptions = {}): Promise<TestNats> => {
  const home = await mkdtemp(join(tmpdir(), 'shiplog-nats-'));
  const config: PlatformConfig = readConfig({
    SHIPLOG_HOME: home,
    SHIPLOG_NATS_PORT: String(await freePort()),
    SHIPLOG_PLATFORM: 'test',
    SHIPLOG_LOG_LEVEL: 'error',
  });
  let server = await ensureNatsServer(config);
  await provision(config, options);
  const kill = (): void => {
    if (server.isAlive()) process.kill(server.pid, 'SIGKILL');
  };
  return {
    config,
    server: () => server,
    kill,
    restart: async () => {
      kill();
      server = await ensureNatsServer(config);
    },
    emptyLog: async () => {
      await server.stop();
      await rm(pathsOf(home).natsStore, { recursive: true, force: true });
      server = await ensureNatsServer(config);
      await provision(config, options);
    },
    close: async () => {
      await server.stop();
      await rm(home, { recursive: true, force: true });
    },
  };
};

/** A port that was free a moment ago. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
