import { deciders, foldEvents, type World } from '@shiplog/domain';
import { streamName } from '@shiplog/events';
import type { EventLog } from '@shiplog/events/log';
import type { Actual, Known } from './plan.js';

/**
 * Asks the log about what the engine has. The world forgets what ended, so stopped instances and old
 * builds are looked up in their streams; what was found to be over stays so, and is asked once.
 */
export class LogKnowledge {
  private readonly stopped = new Set<string>();
  private readonly builds = new Set<string>();

  constructor(
    private readonly log: EventLog,
    private readonly world: World,
  ) {}

  async about(actual: Actual): Promise<Known> {
    const instanceIds = actual.containers.flatMap(({ instanceId }) => instanceId ?? []);
    const buildIds = actual.images.map(({ buildId }) => buildId);
    for (const id of instanceIds) if (await this.isStopped(id)) this.stopped.add(id);
    for (const id of buildIds) if (await this.isBuild(id)) this.builds.add(id);
    return {
      stoppedInstances: new Set(instanceIds.filter((id) => this.stopped.has(id))),
      builds: new Set(buildIds.filter((id) => this.builds.has(id))),
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

type FromWorld = Omit<Known, 'stoppedInstances' | 'builds'>;

const neededIn = (world: World): FromWorld => {
  const apps = new Set<string>();
  const destroyedApps = new Set<string>();
  const neededBuilds = new Set<string>();
  const neededImages = new Set<string>();
  const busyApps = new Set<string>();
  for (const app of world.all('app')) {
    if (app.status === 'none') continue;
    apps.add(app.appId);
    if (app.status === 'destroyed') {
      destroyedApps.add(app.appId);
      continue;
    }
    const releases = [...app.releases, world.liveOf(app.appId)?.release];
    for (const release of releases) {
      if (release === undefined) continue;
      neededImages.add(release.image.id);
      if (release.buildId !== null) neededBuilds.add(release.buildId);
    }
    for (const request of world.buildRequests.of(app.appId)) {
      // Its release may be made in the next moment.
      const mayBeReleased = request.position > world.buildRequests.releasedUpTo(app.appId);
      if (mayBeReleased && request.release === null) neededBuilds.add(request.buildId);
    }
    if (world.deployment(app.appId)?.target != null) busyApps.add(app.appId);
  }
  let isBuilding = false;
  for (const build of world.all('build')) {
    if (build.status === 'running') isBuilding = true;
    // A rebuilt image has another id than its release says.
    if (build.status === 'succeeded' && neededBuilds.has(build.buildId)) {
      neededImages.add(build.image.id);
    }
  }
  return { apps, destroyedApps, neededBuilds, neededImages, busyApps, isBuilding };
};
