import type { ActiveApp, World } from '@shiplog/domain';
import { bad, ok, type Verdict } from './verdict.js';

/** Does every router have what is ready? */
export const routingVerdict = (world: World): Verdict => {
  const routers = world.routers();
  if (routers.length === 0) {
    return bad(
      'failed',
      'no router is known: nothing routes requests to apps',
      'start router-sync; its log says why it does not run',
    );
  }
  const stuck = world.instances().filter(({ status, process, instanceId }) => {
    const routed = routers.every(({ routes }) => routes.get(instanceId) === 'routed');
    return status === 'ready' && process === 'web' && !routed;
  });
  return stuck.length === 0
    ? ok(`${routers.length} router${routers.length === 1 ? '' : 's'}, all ready instances routed`)
    : bad(
        'warning',
        `${stuck.length} ready instances are not routed`,
        'give it a few seconds; if it stays, look at the log of router-sync',
      );
};

/** Can every live release be started again? */
export const imagesVerdict = (world: World, apps: readonly ActiveApp[]): Verdict => {
  const lost = apps.flatMap(({ appId, name }) => {
    const { state: build } = world.get('build', world.liveOf(appId)?.release.buildId ?? '');
    if (build.status !== 'succeeded' || build.lost === null) return [];
    return [`${name} (${build.lost.summary})`];
  });
  return lost.length === 0
    ? ok('every live release has its image, or can get it')
    : bad('failed', `images are lost: ${lost.join('; ')}`, 'deploy these apps again');
};

/** Does an app go on with an older release because its newest one failed? */
export const deploysVerdict = (world: World, apps: readonly ActiveApp[]): Verdict => {
  const failing = apps.flatMap((app) => {
    const newest = world.rolloutsOf(app.appId).at(-1);
    return newest?.status === 'failed' ? [app.name] : [];
  });
  return failing.length === 0
    ? ok('no app is waiting for a failed deploy')
    : bad(
        'warning',
        `the newest deploy failed: ${failing.join(', ')}`,
        '`shiplog deploys show` says why; what served before goes on serving',
      );
};
