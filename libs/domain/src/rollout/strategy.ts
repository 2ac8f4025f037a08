import type { RolloutStrategy, Settings } from '@shiplog/events';

/** All new instances at once, each old one going when enough new ones serve. */
export const AT_ONCE: RolloutStrategy = { kind: 'rolling', batch: '100%', pauseSeconds: 0 };

export const isAtOnce = (strategy: RolloutStrategy): boolean =>
  strategy.kind === 'rolling' && strategy.batch === '100%' && strategy.pauseSeconds === 0;

/** No rollout has more steps: promoted up to here, it waits for nothing. */
export const ROLLOUT_STEPS_MAX = 1000;

/** What the settings say at this moment; a rollout keeps it to its end. */
export const strategyOf = (settings: Settings): RolloutStrategy => {
  switch (settings.strategy) {
    case 'rolling':
      return { kind: 'rolling', batch: settings.batch, pauseSeconds: settings.batchPauseSeconds };
    case 'blue-green':
      return { kind: 'blue-green', retainSeconds: settings.retainSeconds };
    case 'canary':
      return {
        kind: 'canary',
        steps: settings.canarySteps.split(',').map(Number),
        match: settings.canaryMatch,
        stepSeconds: settings.canaryStepSeconds,
        promote: settings.canaryPromote,
        requests: settings.canaryRequests,
        errorPoints: settings.canaryErrorPoints,
        latencyPercent: settings.canaryLatencyPercent,
      };
  }
};

/** Requests that the new instances get whatever their share; null: none in particular. */
export const matchOf = (strategy: RolloutStrategy): string | null =>
  strategy.kind === 'canary' ? (strategy.match ?? null) : null;

/** New instances that a share of the requests needs; one at least where some requests are sure to come. */
export const countAt = (strategy: RolloutStrategy, share: number, wanted: number): number =>
  Math.max(matchOf(strategy) === null ? 0 : Math.min(1, wanted), Math.ceil((wanted * share) / 100));

/** Do routers divide the requests, or does what serves share them evenly? */
export const isWeighted = ({ kind }: RolloutStrategy): boolean => kind !== 'rolling';

/** Shares of the requests after each step, in percent; the last one is all of them. */
export const sharesOf = (strategy: RolloutStrategy): readonly number[] => {
  switch (strategy.kind) {
    case 'rolling':
      return [];
    case 'blue-green':
      return [100];
    case 'canary':
      return [...strategy.steps.filter((share) => share < 100), 100];
  }
};

/** The share of the requests that goes to the new instances at a step; none before the first. */
export const shareAt = (strategy: RolloutStrategy, step: number): number =>
  step === 0 ? 0 : (sharesOf(strategy)[step - 1] ?? 100);

/** Instances of one process type that are replaced at a time. */
export const batchOf = (batch: string, wanted: number): number =>
  batch.endsWith('%')
    ? Math.max(1, Math.ceil((wanted * Number(batch.slice(0, -1))) / 100))
    : Number(batch);

type Counts = Readonly<Record<string, number>>;

/** Batches until every process type is replaced. */
export const batchesOf = (batch: string, wanted: Counts): number =>
  Math.max(1, ...Object.values(wanted).map((n) => Math.ceil(n / batchOf(batch, n))));

/** How long a rollout waits on purpose: its deadline makes room for it. */
export const waitsSecondsOf = (strategy: RolloutStrategy, wanted: Counts): number => {
  switch (strategy.kind) {
    case 'rolling':
      return (batchesOf(strategy.batch, wanted) - 1) * strategy.pauseSeconds;
    case 'blue-green':
      return strategy.retainSeconds;
    case 'canary':
      return (sharesOf(strategy).length - 1) * strategy.stepSeconds;
  }
};
