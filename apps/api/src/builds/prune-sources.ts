import type { World } from '@shiplog/domain';
import { startReconcileLoop } from '@shiplog/reconcile';
import { describeError, type ProcessContext, type RunningProcess } from '@shiplog/runtime';
import type { SourceStore } from '@shiplog/sources';

const EVERY_MS = 60 * 60_000;

/** What images may have to be made of again: builds of kept releases, and the newest ones of each app. */
export const neededSources = (world: Pick<World, 'apps'>): ReadonlySet<string> =>
  new Set(
    world
      .apps()
      .flatMap(({ builds }) => Object.values(builds))
      .flatMap(({ source }) => (source.kind === 'archive' ? source.digest : [])),
  );

/** Each push leaves an archive of up to 1 GiB: those that no release needs go, now and then. */
export const startPruningSources = (
  { feed, world, logger }: ProcessContext,
  sources: SourceStore,
): RunningProcess =>
  startReconcileLoop({
    name: 'sources',
    resyncMs: EVERY_MS,
    round: async () => {
      await feed.catchUp();
      const needed = neededSources(world);
      const removed = await sources.prune((digest) => needed.has(digest), Date.now());
      if (removed.length > 0) logger.info({ count: removed.length }, 'sources-removed');
      return undefined;
    },
    onError: (error) => logger.warn({ error: describeError(error) }, 'sources-not-pruned'),
  });
