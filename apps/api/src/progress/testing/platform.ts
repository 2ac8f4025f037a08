import { createHash } from 'node:crypto';
import { InMemoryBus, InMemoryHub, type Bus } from '@shiplog/bus';
import { worldFold } from '@shiplog/commands';
import { World, type CommandByAggregate } from '@shiplog/domain';
import type { Aggregate, ProcessName } from '@shiplog/events';
import { InMemoryEventLog, LogFeed } from '@shiplog/events/log';
import { createLogger, processContext, readConfig, type ProcessContext } from '@shiplog/runtime';

/** A platform without an engine: log, feed and bus in memory; workers are fakes that append facts. */
export interface TestPlatform {
  readonly api: ProcessContext;
  readonly builder: ProcessContext;
  readonly deployer: ProcessContext;
  /** The bus as another process sees it. */
  busOf(process: ProcessName): Bus;
  /** Appends what follows from a command, and waits until the world has seen it. Throws when refused. */
  given<A extends Aggregate>(
    aggregate: A,
    id: string,
    command: CommandByAggregate[A],
  ): Promise<string>;
  /** Resolves when the world is as wanted; looks after each batch. */
  until(isSo: () => boolean, what: string): Promise<void>;
  stop(): Promise<void>;
}

export const ann = { kind: 'user', id: 'u1', name: 'ann' } as const;

export const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

export const startTestPlatform = async (home = '/nonexistent'): Promise<TestPlatform> => {
  const log = new InMemoryEventLog();
  const world = new World();
  const feed = new LogFeed(log).add(worldFold(world, 'test'));
  await feed.start();
  const hub = new InMemoryHub();
  const config = readConfig({ SHIPLOG_HOME: home, SHIPLOG_ROUTER_PORT: '5880' });
  const logger = createLogger('error');
  const contextOf = (process: 'api' | 'builder' | 'deployer'): ProcessContext =>
    processContext({
      process,
      config,
      log,
      feed,
      world,
      bus: new InMemoryBus(hub, process),
      logger,
    });
  const api = contextOf('api');
  const builder = contextOf('builder');
  const deployer = contextOf('deployer');

  return {
    api,
    builder,
    deployer,
    busOf: (process) => new InMemoryBus(hub, process),
    given: async (aggregate, id, command) => {
      const result = await api.commands.handle(aggregate, id, command, {
        actor: ann,
        reason: 'why',
      });
      if (result.outcome !== 'accepted') throw new Error(JSON.stringify(result));
      await feed.reach(result.position);
      return result.position;
    },
    until: async (isSo, what) => {
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`never: ${what}`)), 20_000);
        const look = (): void => {
          if (!isSo()) return;
          clearTimeout(timer);
          unsubscribe();
          resolve();
        };
        const unsubscribe = feed.onBatch(look);
        look();
      });
    },
    stop: async () => {
      await feed.stop();
      for (const { bus } of [api, builder, deployer]) await bus.close();
    },
  };
};

export const anImage = {
  id: `sha256:${'a'.repeat(64)}`,
  ref: 'test/app:1',
  sizeBytes: 12_300_000,
  exposedPorts: [],
  repoDigest: null,
};

export const aSource = {
  kind: 'archive',
  digest: `sha256:${'b'.repeat(64)}`,
  via: 'upload',
  commit: null,
  branch: null,
} as const;

export const anExplanation = {
  code: 'build-failed',
  summary: 'npm run build ended with exit code 1',
  remedy: 'fix the error above',
  tried: null,
  probe: null,
  listening: [],
  exitCode: 1,
  oomKilled: false,
  instanceId: null,
  logLines: ['Error: no such module'],
};
