import { aggregateOf, type Aggregate } from '@shiplog/events';
import { startReconcileLoop } from '@shiplog/reconcile';
import { describeError, type ProcessContext, type RunningProcess } from '@shiplog/runtime';
import { apply, type Effects } from './apply.js';
import { AppsToForget } from './apps-to-forget.js';
import { domainIdOf } from './domain-id.js';
import { looseEnds, plan, type Action } from './plan.js';

export interface ProcessManagersOptions extends Effects {
  readonly context: ProcessContext;
}

/** Streams whose events can lead to a command. Rollouts and instances, the busy ones, never do. */
const RELEVANT: ReadonlySet<Aggregate> = new Set([
  'app',
  'build',
  'name',
  'domain',
  'port',
  'token',
  'keys',
  'user',
]);

/** More turns than this without an end is a bug, not work. */
const TURNS_MAX = 100;

/**
 * What must happen after something happened, as a loop over the log: a build succeeded → its release;
 * an app was destroyed → its name, domains, tokens, key and repository are given back; a new master key
 * was asked for → every key is wrapped with it; a request died half-way → it is finished or undone. Never the continuation of an HTTP request, so that the api may
 * die at any moment and any number of them may run.
 */
export const startProcessManagers = (options: ProcessManagersOptions): RunningProcess => {
  const { context } = options;
  const round = processManagerRound(options);
  const loop = startReconcileLoop({
    name: 'process-managers',
    resyncMs: 5_000,
    round: (signal) => round(signal).then(() => undefined),
    onError: (error) => context.logger.error({ error: describeError(error) }, 'follow-up-round'),
  });
  const unsubscribe = context.feed.onBatch((batch) => {
    if (batch.some(({ commit }) => RELEVANT.has(aggregateOf(commit.stream)))) loop.nudge();
  });
  return {
    stop: async () => {
      unsubscribe();
      await loop.stop();
    },
  };
};

/** One round, again and again until nothing follows any more. */
export const processManagerRound = (
  options: ProcessManagersOptions,
): ((signal: AbortSignal) => Promise<void>) => {
  const { context, now = Date.now } = options;
  const { feed, world, logger } = context;
  const firstSeen = new Map<string, number>();
  const appsToForget = new AppsToForget(world, options.keptApps);
  const erased = new Set<string>();

  const due = async (): Promise<readonly Action[]> => {
    const actions = plan(world, domainIdOf, await appsToForget.find());
    return [
      ...actions.filter((action) => !erased.has(erasureKey(action) ?? '')),
      ...ripe(looseEnds(world), firstSeen, now()),
    ];
  };

  /** One app's trouble must not hold up the others; the loop comes back to it. */
  const carryOut = async (action: Action): Promise<unknown> => {
    try {
      await apply(action, options);
      if (action.kind === 'forget-app') appsToForget.done(action.appId);
      const erasure = erasureKey(action);
      if (erasure !== undefined) erased.add(erasure);
      return undefined;
    } catch (error) {
      logger.warn({ action: action.kind, error: describeError(error) }, 'follow-up-delayed');
      return error;
    }
  };

  return async (signal) => {
    for (let turn = 0; turn < TURNS_MAX && !signal.aborted; turn += 1) {
      await feed.catchUp();
      const actions = await due();
      if (actions.length === 0) return;
      const errors: unknown[] = [];
      for (const action of actions) errors.push(await carryOut(action));
      const failed = errors.filter((error) => error !== undefined);
      if (failed.length > 0) throw new AggregateError(failed, 'carrying on what the log began');
    }
  };
};

/** It leaves no trace in the log, and is done once by each process. Undefined for every other action. */
const erasureKey = (action: Action): string | undefined =>
  action.kind === 'forget-person' ? `person ${action.userId} ${action.erasures}` : undefined;

/** Loose ends that were seen long enough. Time is counted from when this process saw them first. */
const ripe = (
  ends: ReturnType<typeof looseEnds>,
  firstSeen: Map<string, number>,
  nowMs: number,
): readonly Action[] => {
  const keys = new Set(ends.map(({ key }) => key));
  for (const key of firstSeen.keys()) if (!keys.has(key)) firstSeen.delete(key);
  return ends.flatMap(({ key, patienceMs, action }) => {
    const since = firstSeen.get(key) ?? nowMs;
    firstSeen.set(key, since);
    return nowMs - since >= patienceMs ? [action] : [];
  });
};
