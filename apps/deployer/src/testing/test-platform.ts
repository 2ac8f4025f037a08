import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InMemoryBus, InMemoryHub } from '@shiplog/bus';
import { CommandHandler, worldFold } from '@shiplog/commands';
import { World, rolloutIdOf, type RolloutState, type CommandByAggregate } from '@shiplog/domain';
import type { Image, ProcessSpec, Settings } from '@shiplog/events';
import { InMemoryEventLog, LogFeed } from '@shiplog/events/log';
import { createLogger, processContext, pathsOf, readConfig } from '@shiplog/runtime';
import { Keyring, MasterKey } from '@shiplog/secrets';
import { waitFor } from './wait-for.js';

const user = { kind: 'user', id: 'u1', name: 'ann' } as const;
const router = { kind: 'process', id: 'router-sync', name: 'router-sync' } as const;

type EndedRollout = Exclude<RolloutState, { status: 'none' } | { status: 'running' }>;

interface DeployOptions {
  readonly image: Partial<Image> & { readonly id: string };
  readonly processes: Readonly<Record<string, ProcessSpec>>;
}

/** A platform in this process: the log in memory, no api, no builder, a router that confirms. */
export const testPlatform = async (ports: { from: number; to: number }) => {
  const home = await mkdtemp(join(tmpdir(), 'deployer-'));
  const platform = `dt${Math.random().toString(36).slice(2, 8)}`;
  const config = {
    ...readConfig({ SHIPLOG_HOME: home, SHIPLOG_PLATFORM: platform }),
    instancePorts: ports,
  };
  const log = new InMemoryEventLog();
  const world = new World();
  const feed = new LogFeed(log).add(worldFold(world, 'test'));
  await feed.start();
  const hub = new InMemoryHub();
  const commands = new CommandHandler({ log, world, feed });
  const keyring = new Keyring(pathsOf(home).keys, new MasterKey(config.masterKeyFile));
  const logger = createLogger(process.env['TEST_LOG_LEVEL'] ?? 'silent');
  let builds = 0;

  const platformUnderTest = {
    config,
    world,
    log,
    feed,
    keyring,
    commands,
    context: () =>
      processContext({
        process: 'deployer',
        config,
        log,
        feed,
        world,
        bus: new InMemoryBus(hub, 'deployer'),
        logger,
      }),
    bus: () => new InMemoryBus(hub, 'api'),

    app: (appId: string, command: CommandByAggregate['app']) =>
      commands.handle('app', appId, command, { actor: user }),

    createApp: async (appId: string, settings: Partial<Settings> = {}) => {
      await platformUnderTest.app(appId, {
        type: 'CreateApp',
        appId,
        name: appId,
        teamId: 'team1',
      });
      await platformUnderTest.app(appId, {
        type: 'ChangeSettings',
        changes: { drainSeconds: 1, graceSeconds: 1, ...settings },
        baseVersion: null,
      });
    },

    /** Appends what api and builder would; returns the id of the rollout to come. */
    deploy: async (appId: string, { image, processes }: DeployOptions) => {
      builds += 1;
      const buildId = `b${builds}`;
      const full: Image = {
        ref: 'test',
        sizeBytes: 1,
        exposedPorts: [],
        repoDigest: null,
        ...image,
      };
      await platformUnderTest.app(appId, {
        type: 'RequestBuild',
        buildId,
        source: { kind: 'image', ref: 'test:1' },
      });
      const build = (command: CommandByAggregate['build']) =>
        commands.handle('build', buildId, command, { actor: user });
      await build({ type: 'StartBuild', buildId, appId, sourceDigest: null });
      await build({
        type: 'SucceedBuild',
        image: full,
        processes,
        stack: 'image',
        durationMs: 1,
      });
      await feed.catchUp();
      await platformUnderTest.app(appId, {
        type: 'CreateRelease',
        image: full,
        buildId,
        processes,
        cause: 'image',
        liveVersion: world.liveOf(appId)?.release.version ?? null,
      });
      await feed.catchUp();
      return rolloutIdOf(appId, world.app(appId)?.generation ?? 0);
    },

    rollout: (rolloutId: string): RolloutState => world.get('rollout', rolloutId).state,
    ended: (rolloutId: string, timeoutMs?: number): Promise<EndedRollout> =>
      waitFor(
        `the end of rollout ${rolloutId}`,
        () => {
          const { state } = world.get('rollout', rolloutId);
          return state.status !== 'none' && state.status !== 'running' && state;
        },
        timeoutMs,
      ),
    open: (appId: string) => world.instancesOf(appId).filter(({ status }) => status !== 'retired'),

    /** Routes what is ready and lets go at once of what is not. */
    startRouter: async () => {
      await commands.handle(
        'router',
        'r1',
        { type: 'StartRouter', routerId: 'r1', kind: 'haproxy' },
        { actor: router },
      );
      const confirm = async (): Promise<void> => {
        const web = world.instances().filter(({ process }) => process === 'web');
        const ids = (wanted: (status: string) => boolean) =>
          web.flatMap(({ instanceId, status }) => (wanted(status) ? instanceId : []));
        const routed = ids((status) => status === 'ready');
        const gone = ids((status) => status === 'retired' || status === 'exited');
        await commands.handle(
          'router',
          'r1',
          {
            type: 'RecordRoutes',
            position: world.position,
            routed,
            unrouted: ids((status) => status === 'unready'),
            drained: gone,
          },
          { actor: router },
        );
      };
      return feed.onBatch(() => void confirm());
    },

    end: async () => {
      await feed.stop();
      await rm(home, { recursive: true, force: true });
    },
  };
  return platformUnderTest;
};
export type TestPlatform = Awaited<ReturnType<typeof testPlatform>>;
