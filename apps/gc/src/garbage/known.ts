import { deciders, foldEvents, type Release, type World } from '@shiplog/domain';
import { streamName } from '@shiplog/events';
import type { EventLog } from '@shiplog/events/log';
import type { Actual, Known } from './plan.js';

/**
 * Asks the log about what the engine has. The world forgets what ended, so stopped instances and old
 * builds are looked up in their streams; what was found to be over stays so, and is asked once for as
 * long as the engine has it.
 */
export class LogKnowledge {
  private stopped: ReadonlySet<string> = new Set();
  private builds: ReadonlySet<string> = new Set();

  constructor(
    private readonly log: EventLog,
    private readonly world: World,
  ) {}

  async about(actual: Actual): Promise<Known> {
    const instanceIds = actual.containers.flatMap(({ instanceId }) => instanceId ?? []);
    const buildIds = actual.images.map(({ buildId }) => buildId);
    this.stopped = await those(instanceIds, (id) => this.isStopped(id));
    this.builds = await those(buildIds, (id) => this.isBuild(id));
    return {
      stoppedInstances: this.stopped,
      builds: this.builds,
      ...neededIn(this.world),
    };
  }

  private async isStopped(instanceId: string): Promise<boolean> {
    if (this.stopped.has(instanceId)) return true;
    if (this.world.get('instance', instanceId).state.status !== 'none') return false;
    const records = await this.log.read(streamName('instance', instanceId));
    const events = records.flatMap(({ commit }) => commit.events);
    return foldEvents('instance', deciders.instance.initialState, events).status === 'stopped';
  }

  private async isBuild(buildId: string): Promise<boolean> {
    if (this.builds.has(buildId)) return true;
    if (this.world.get('build', buildId).state.status !== 'none') return true;
    return (await this.log.read(streamName('build', buildId))).length > 0;
  }
}

const those = async (
  ids: readonly string[],
  isOne: (id: string) => Promise<boolean>,
): Promise<ReadonlySet<string>> => {
  const found = new Set<string>();
  for (const id of ids) if (await isOne(id)) found.add(id);
  return found;
};

type FromWorld = Omit<Known, 'stoppedInstances' | 'builds'>;

const neededIn = (world: World): FromWorld => {
  const active = world.apps();
  const neededBuilds = new Set(active.flatMap(({ appId }) => buildsNeededBy(world, appId)));
  const builds = [...world.all('build')];
  return {
    apps: { has: (appId) => world.knowsApp(appId) },
    destroyedApps: world.destroyedApps,
    neededBuilds,
    neededImages: new Set([
      ...active.flatMap(({ appId }) => releasesOf(world, appId).map(({ image }) => image.id)),
      // A rebuilt image has another id than its release says.
      ...builds.flatMap((build) =>
        build.status === 'succeeded' && neededBuilds.has(build.buildId) ? [build.image.id] : [],
      ),
    ]),
    busyApps: new Set(
      active
        .filter(({ appId }) => world.deployment(appId)?.target != null)
        .map(({ appId }) => appId),
    ),
    isBuilding: builds.some(({ status }) => status === 'running'),
  };
};

/** Those that are kept for a rollback, and the one that serves. */
const releasesOf = (world: World, appId: string): readonly Release[] => {
  const live = world.liveOf(appId)?.release;
  return [...(world.app(appId)?.releases ?? []), ...(live === undefined ? [] : [live])];
};

const buildsNeededBy = (world: World, appId: string): readonly string[] => [
  ...releasesOf(world, appId).flatMap(({ buildId }) => buildId ?? []),
  // A release of these may be made in the next moment.
  ...world.buildRequests
    .of(appId)
    .filter(({ position }) => position > world.buildRequests.releasedUpTo(appId))
    .map(({ buildId }) => buildId),
];
