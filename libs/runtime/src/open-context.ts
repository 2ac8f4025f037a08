import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NatsBus } from '@shiplog/bus';
import { worldFold } from '@shiplog/commands';
import { World } from '@shiplog/domain';
import type { ProcessName } from '@shiplog/events';
import { JetStreamEventLog } from '@shiplog/events/jetstream';
import { LogFeed, fileSnapshotStore, type Durability, type EventLog } from '@shiplog/events/log';
import type { NatsConnection } from '@nats-io/nats-core';
import type { Logger } from 'pino';
import { foldCodeHash } from './code-hash.js';
import { derivedPathsOf, pathsOf, type PlatformConfig } from './config.js';
import { connectNats, inboxPrefixOf } from './connect-nats.js';
import { diskObstacle } from './disk-room.js';
import { openEsdbLog } from './open-esdb-log.js';
import { createLogger } from './logging.js';
import { processContext, type ProcessContext } from './process-context.js';

/** What processes of one Node.js process have in common: one follower feeds them all. */
export type SharedFeed = Pick<ProcessContext, 'feed' | 'world'>;

export interface OpenContext {
  readonly context: ProcessContext;
  /** Closes what was opened here: connection, log, bus, and the feed where it was not shared. */
  close(): Promise<void>;
}

const ALIVE_MS = 3_000;

/**
 * Opens log and bus of one process under its own NATS user. Without `shared` it makes a feed and a
 * world of its own, not started yet: add more folds, then `await context.feed.start()`.
 */
export const openContext = async (
  config: PlatformConfig,
  process: ProcessName,
  shared?: SharedFeed,
  logger: Logger = createLogger(config.logLevel),
): Promise<OpenContext> => {
  const opened = await openLog(config, process);
  const { connection, log } = opened;
  const bus = new NatsBus(connection, process);
  const { feed, world } = shared ?? (await ownFeed(config, process, log));
  // Says that the process is there, how far it read and what its clock shows, for `shiplog doctor`.
  const sayAlive = (): void =>
    bus.publish('alive', { position: Number(feed.position), at: new Date().toISOString() });
  const alive = setInterval(() => sayAlive(), ALIVE_MS);
  alive.unref();
  const context = processContext({ process, config, log, feed, world, bus, logger });
  return {
    context,
    close: async () => {
      clearInterval(alive);
      if (shared === undefined) await feed.stop();
      await bus.close();
      await opened.close();
    },
  };
};

export interface OpenLog {
  readonly connection: NatsConnection;
  readonly log: EventLog;
  close(): Promise<void>;
}

/** The log alone, under the NATS user of the process. */
export const openLog = async (config: PlatformConfig, process: ProcessName): Promise<OpenLog> => {
  const connection = await connectNats(config, process);
  const log =
    config.eventLog.kind === 'esdb'
      ? await openEsdbLog(config.eventLog, config.platform, process)
      : new JetStreamEventLog(connection, {
          inboxPrefix: inboxPrefixOf(process),
          process,
          obstacle: diskObstacle(pathsOf(config.home).natsStore),
          durability: () => provenDurability(config.home, connection.info?.server_name),
        });
  const close = async (): Promise<void> => {
    await log.close();
    await connection.close();
  };
  return { connection, log, close };
};

const ownFeed = async (
  config: PlatformConfig,
  process: ProcessName,
  log: EventLog,
): Promise<SharedFeed> => {
  const world = new World();
  const snapshots = fileSnapshotStore(join(derivedPathsOf(config).snapshots, process));
  const feed = new LogFeed(log, snapshots).add(worldFold(world, await foldCodeHash()));
  return { feed, world };
};

/**
 * What the provisioner proved about this server, from the file it leaves. Workers may not ask the
 * server themselves. Without a proof for a server of this name nothing above `process` is claimed.
 */
const provenDurability = async (
  home: string,
  serverName: string | undefined,
): Promise<Durability> => {
  try {
    const proof = JSON.parse(await readFile(pathsOf(home).natsProof, 'utf8')) as {
      serverName?: unknown;
      durability?: unknown;
    };
    return proof.serverName === serverName && proof.durability === 'disk' ? 'disk' : 'process';
  } catch {
    return 'process';
  }
};
