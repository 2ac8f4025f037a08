import type { ActiveApp, World } from '@shiplog/domain';
import { bad, ok, type Verdict } from './verdict.js';

const NAMED_MAX = 10;

/** Instances that run and get no requests, with what they were asked and said. */
export const unreadyVerdict = (world: World, apps: readonly ActiveApp[]): Verdict => {
  const unready = apps.flatMap(({ appId, name, stopped }) =>
    world
      .instancesOf(appId)
      .flatMap(({ instanceId, status, unready: why }) =>
        status === 'unready' && !stopped ? `${name} ${instanceId} (${why?.got ?? ''})` : [],
      ),
  );
  if (unready.length === 0) return ok('every instance that became ready is ready');
  const more = unready.length > NAMED_MAX ? `; and ${unready.length - NAMED_MAX} more` : '';
  return bad(
    'warning',
    `unready instances: ${unready.slice(0, NAMED_MAX).join('; ')}${more}`,
    '`shiplog ps` says why; they come back when their health check passes',
  );
};
