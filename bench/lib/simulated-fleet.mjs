// A deployer with very many instances, in memory: what a change costs it, whatever else exists.
import { InMemoryBus, InMemoryHub } from '@shiplog/bus';
import { CommandHandler, worldFold } from '@shiplog/commands';
import { World } from '@shiplog/domain';
import { InMemoryEventLog, LogFeed } from '@shiplog/events/log';
import { createLogger, processContext, readConfig } from '@shiplog/runtime';
import { startFleet } from '@shiplog/deployer/testing';

const INSTANCES_PER_APP = 10;
const APPS_PER_COMMIT = 50;
const actor = { kind: 'user', id: 'u1', name: 'ann' };
const image = {
  id: `sha256:${'1'.repeat(64)}`,
  ref: 'test',
  sizeBytes: 1,
  exposedPorts: [],
  repoDigest: null,
};
const PROCESSES = { web: { command: ['serve'] } };
const STARTED_AT = '2026-01-01T00:00:00.000Z';
const addressOf = (n) => `10.${100 + (n >> 16)}.${(n >> 8) % 256}.${n % 256}`;
const teamOf = (n) => `t${Math.floor(n / 100)}`;

/** Apps with ten running instances each, routed by one router, and the deployer that keeps them. */
export const simulatedFleet = async (instances) => {
  const log = new InMemoryEventLog();
  const world = new World();
  const feed = new LogFeed(log).add(worldFold(world, 'bench'));
  await feed.start();
  const commands = new CommandHandler({ log, world, feed });
  const handle = (aggregate, id, command) => commands.handle(aggregate, id, command, { actor });
  const count = instances / INSTANCES_PER_APP;
  const containers = [];
  await handle('router', 'r1', { type: 'StartRouter', routerId: 'r1', kind: 'haproxy' });
  for (let n = 0; n < count; n += 1) {
    const appId = `app-${n}`;
    await handle('app', appId, { type: 'CreateApp', appId, name: appId, teamId: teamOf(n) });
    await handle('app', appId, {
      type: 'CreateRelease',
      image,
      buildId: null,
      processes: PROCESSES,
      cause: 'image',
      liveVersion: null,
    });
    await handle('app', appId, { type: 'Scale', formation: { web: INSTANCES_PER_APP } });
    const rolloutId = `${appId}-g1`;
    const rollout = { rolloutId, appId, generation: 1, version: 1, fromVersion: null };
    const deadline = '2100-01-01T00:00:00.000Z';
    await handle('rollout', rolloutId, { type: 'StartRollout', ...rollout, deadline });
    await handle('rollout', rolloutId, { type: 'CompleteRollout' });
    for (let i = 0; i < INSTANCES_PER_APP; i += 1) {
      const instanceId = `web-${n}-${i}`;
      const at = n * INSTANCES_PER_APP + i;
      const containerId = at.toString(16).padStart(64, '0');
      await handle('instance', instanceId, {
        type: 'ScheduleInstance',
        instanceId,
        appId,
        process: 'web',
        version: 1,
        generation: 1,
        nodeId: 'n1',
        // One engine has not that many ports; addresses are held as ports are.
        port: null,
        containerPort: 8080,
        address: addressOf(at),
      });
      const started = { type: 'RecordStarted', containerId, restarts: 0, startedAt: STARTED_AT };
      await handle('instance', instanceId, started);
      await handle('instance', instanceId, { type: 'RecordReady' });
      containers.push({ id: containerId, instanceId, appId, startedAt: STARTED_AT });
    }
    // As one commit for many apps: a router's stream is read as a whole.
    const pending = (n % APPS_PER_COMMIT) + 1;
    if (pending < APPS_PER_COMMIT && n < count - 1) continue;
    const routed = containers
      .slice(-INSTANCES_PER_APP * pending)
      .map(({ instanceId }) => instanceId);
    const position = world.position;
    const routes = { type: 'RecordRoutes', position, routed, unrouted: [], drained: [] };
    await handle('router', 'r1', routes);
  }
  await feed.catchUp();
  const context = processContext({
    process: 'deployer',
    config: readConfig({ SHIPLOG_PLATFORM: 'bench', SHIPLOG_HOME: '/nonexistent' }),
    log,
    feed,
    world,
    bus: new InMemoryBus(new InMemoryHub(), 'deployer'),
    logger: createLogger('silent'),
  });
  const fleet = startFleet(context, containers);
  return {
    /** The first look at everything, as at a start. */
    look: () => fleet.round(),
    /** As after ten seconds in which nothing was noticed. */
    lookAtAllAgain: () => {
      fleet.resync();
      return fleet.round();
    },
    /** Milliseconds from a change that is in the log until its steps are planned and carried out or handed over. */
    change: async (n) => {
      const appId = `app-${n % count}`;
      const before = fleet.created();
      const { formation } = world.app(appId);
      await handle('app', appId, { type: 'Scale', formation: { web: formation.web + 1 } });
      await feed.catchUp();
      const startedAt = performance.now();
      while (fleet.created() === before) await fleet.round();
      return performance.now() - startedAt;
    },
    end: () => {
      fleet.end();
      return feed.stop();
    },
  };
};
