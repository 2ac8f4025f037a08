import type { ActiveApp, World } from '@shiplog/domain';
import { bad, ok, type Verdict } from './verdict.js';

const NAMED_MAX = 10;
const MIB = 1024 * 1024;

/** Volumes that are lost, those with more in them than declared, and those that no backup has. */
export const volumesVerdict = (
  world: Pick<World, 'get'>,
  apps: readonly Pick<ActiveApp, 'name' | 'volumes'>[],
): Verdict => {
  const volumes = apps.flatMap((app) =>
    Object.values(app.volumes).map(({ name, volumeId, incarnation, backup }) => {
      const { state } = world.get('volume', volumeId);
      // What was lost and is made anew has nothing in it yet.
      const isSeen = 'incarnation' in state && state.incarnation === incarnation;
      const isLeftOut = backup?.excluded === true;
      return { text: `${name} of ${app.name}`, seen: isSeen ? state : null, isLeftOut };
    }),
  );
  const missing = volumes.flatMap(({ text, seen }) => (seen?.status === 'missing' ? text : []));
  if (missing.length > 0) {
    return bad(
      'failed',
      `the engine lost volumes: ${listOf(missing)}; nothing that needs them is started`,
      'bring the volume back (is its disk mounted? `docker volume ls`), or begin with an empty one: `shiplog volumes recreate NAME --confirm NAME`',
    );
  }
  const above = volumes.flatMap(({ text, seen }) =>
    seen?.above == null
      ? []
      : `${text} (${mib(seen.above.usedBytes)} of ${mib(seen.above.sizeBytes)})`,
  );
  if (above.length > 0) {
    return bad(
      'warning',
      `more is in volumes than declared: ${listOf(above)}`,
      'nothing keeps them from filling the disk: remove data, or declare more by `shiplog volumes resize NAME SIZE`',
    );
  }
  if (volumes.length === 0) return ok('there are none');
  const leftOut = volumes.flatMap(({ text, isLeftOut }) => (isLeftOut ? text : []));
  const without = leftOut.length === 0 ? '' : `; left out of backups: ${listOf(leftOut)}`;
  return ok(`all are there, none above its size${without}`);
};

const mib = (bytes: number): string => `${Math.round(bytes / MIB)} MiB`;

const listOf = (all: readonly string[]): string =>
  `${all.slice(0, NAMED_MAX).join(', ')}${all.length > NAMED_MAX ? `, and ${all.length - NAMED_MAX} more` : ''}`;
