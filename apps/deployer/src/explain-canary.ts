import { matchOf } from '@shiplog/domain';
import type { Explanation, RolloutStrategy } from '@shiplog/events';
import type { Failure } from './containers/actions.js';
import { errorPercent, NO_SAMPLE, type Sample } from './containers/judge.js';

type CanaryFailure = Extract<Failure, { kind: 'worse' | 'undecided' }>;

/** Why a canary went back, with the figures of both sides. */
export const explainCanary = (failure: CanaryFailure, strategy: RolloutStrategy): Explanation => {
  const { fresh, old } = failure.measured ?? { fresh: NO_SAMPLE, old: NO_SAMPLE };
  const match = matchOf(strategy);
  const matched = match === null ? '' : ` and all with ${match}`;
  const figures = `at ${failure.share}% of the requests${matched}; new: ${inWords(fresh)}; old: ${inWords(old)}`;
  if (failure.kind === 'worse') {
    return failure.what === 'errors'
      ? explained(
          'canary-errors',
          `the new release fails more often: ${percentText(errorPercent(fresh))} of its requests, ${percentText(errorPercent(old))} of the old one's`,
          'see what the new instances wrote: shiplog logs; the limit is the setting canary-errors',
          figures,
        )
      : explained(
          'canary-latency',
          `the new release is slower: ${msText(fresh)} on average, the old one ${msText(old)}`,
          'the limit is the setting canary-latency',
          figures,
        );
  }
  const isManual = strategy.kind === 'canary' && strategy.promote === 'manual';
  const needed = strategy.kind === 'canary' ? strategy.requests : 0;
  return isManual
    ? explained(
        'canary-not-promoted',
        'nobody promoted the canary before its deadline',
        'deploy again and promote it in time: shiplog deploys promote',
        figures,
      )
    : explained(
        'canary-undecided',
        `too few requests to tell whether the new release is as good: ${fresh.requests} of ${needed}`,
        'let the deploy take longer (rollout-timeout), ask for fewer (canary-requests), or promote it by hand: shiplog deploys promote',
        figures,
      );
};

const inWords = (sample: Sample): string =>
  `${sample.requests} requests, ${sample.errors} failed (${percentText(errorPercent(sample))}), ${msText(sample)}`;

const percentText = (percent: number): string => `${Number(percent.toFixed(2))}%`;

const msText = ({ meanMs }: Sample): string =>
  meanMs === null ? 'no response time' : `${Number(meanMs.toFixed(1))} ms`;

const explained = (code: string, summary: string, remedy: string, tried: string): Explanation => ({
  code,
  summary,
  remedy,
  tried,
  probe: null,
  listening: [],
  exitCode: null,
  oomKilled: false,
  instanceId: null,
  logLines: [],
});
