import {
  isSameLimits,
  limitsOf,
  type ActiveApp,
  type KnownInstance,
  type World,
} from '@shiplog/domain';

/** What is still different from what is wanted, in words; empty when nothing is. */
export const unsettled = (world: World, appId: string): readonly string[] => {
  const instances = world.instancesOf(appId);
  const deployment = world.deployment(appId);
  if (deployment === undefined || deployment.app.stopped) {
    return instances.length === 0 ? [] : [`${count(instances.length)} still to stop`];
  }
  const { app, live, target } = deployment;
  if (target !== null) return [`v${target.release.version} is being rolled out`];
  if (live === null) return [];

  const wanted = Object.keys(live.release.processes).map((process) => ({
    process,
    wanted: app.formation[process] ?? 0,
    serving: instances.filter(
      (one) =>
        one.process === process && one.generation === live.generation && isServing(world, one),
    ).length,
  }));
  const missing = wanted
    .filter((one) => one.serving < one.wanted)
    .map((one) => `${one.serving} of ${one.wanted} ${one.process} ready`);
  if (missing.length > 0) return missing;
  const resizing = instances.filter(
    ({ instanceId, status }) => status !== 'retired' && world.isResizing(instanceId),
  );
  if (resizing.length > 0) return [`${count(resizing.length)} still to resize`];
  const surplus = instances.length - wanted.reduce((sum, one) => sum + one.wanted, 0);
  return surplus > 0 ? [`${count(surplus)} still to stop`] : [];
};

/** Why what still has to be resized cannot be, once nothing else is left to wait for. */
export const resizeRefusal = (world: World, appId: string): string | null => {
  const app = world.app(appId);
  if (app === undefined) return null;
  const open = world
    .instancesOf(appId)
    .filter(({ instanceId, status }) => status !== 'retired' && world.isResizing(instanceId));
  const refusals = open.flatMap(({ instanceId, process, resizeRefused: refused }) =>
    refused != null && isSameLimits(refused.limits, limitsOf(app, process))
      ? `${instanceId} was not resized: ${refused.summary}`
      : [],
  );
  return refusals.length === open.length ? (refusals[0] ?? null) : null;
};

/** Ready, and for `web` also routed by every router. */
const isServing = (world: World, one: KnownInstance): boolean => {
  if (one.status !== 'ready') return false;
  if (one.process !== 'web') return true;
  const routers = world.routers();
  return (
    routers.length > 0 && routers.every(({ routes }) => routes.get(one.instanceId) === 'routed')
  );
};

const count = (n: number): string => (n === 1 ? '1 instance' : `${n} instances`);

/** `web=2 worker=1`, or what else is wanted. */
export const wantedText = (app: ActiveApp): string => {
  if (app.stopped) return 'stopped';
  if (app.generation === 0) return 'nothing is deployed yet';
  return Object.entries(app.formation)
    .map(([process, n]) => `${process}=${n}`)
    .join(' ');
};
