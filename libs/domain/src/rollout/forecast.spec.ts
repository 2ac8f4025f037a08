import { describe, expect, it } from 'vitest';
import { AT_ONCE, forecastRollout } from './index.js';

const wanted = { web: 4, worker: 1 };

describe('what a rollout would do', () => {
  it('is one step where nothing serves, whatever the strategy', () => {
    const first = forecastRollout({ kind: 'blue-green', retainSeconds: 60 }, wanted, false);
    expect(first.steps).toEqual([{ instances: wanted, percent: 100, waitsSeconds: 0 }]);
    expect(first).toMatchObject({ atMost: wanted, waitsSeconds: 0 });
  });

  it.each([
    [AT_ONCE, [[4, 100, 0]], 8, 0],
    [
      { kind: 'rolling', batch: '2', pauseSeconds: 30 } as const,
      [
        [2, 60, 30],
        [4, 100, 0],
      ],
      6,
      30,
    ],
    [{ kind: 'blue-green', retainSeconds: 60 } as const, [[4, 100, 60]], 8, 60],
    [
      {
        kind: 'canary',
        steps: [5, 50],
        stepSeconds: 20,
        promote: 'auto',
        requests: 1,
        errorPoints: 1,
        latencyPercent: null,
      } as const,
      [
        [1, 5, 20],
        [2, 50, 20],
        [4, 100, 0],
      ],
      8,
      40,
    ],
    [
      {
        kind: 'canary',
        ...{ steps: [0, 50], match: 'cookie:beta', stepSeconds: 20, promote: 'manual' },
        ...{ requests: 1, errorPoints: 1, latencyPercent: null },
      } as const,
      [
        [1, 0, 20],
        [2, 50, 20],
        [4, 100, 0],
      ],
      8,
      40,
    ],
  ])('is told step by step: %j', (strategy, steps, atMost, waitsSeconds) => {
    const forecast = forecastRollout(strategy as never, wanted, true);
    expect(
      forecast.steps.map((step) => [step.instances['web'], step.percent, step.waitsSeconds]),
    ).toEqual(steps);
    expect(forecast.atMost['web']).toBe(atMost);
    expect(forecast.waitsSeconds).toBe(waitsSeconds);
  });
});
