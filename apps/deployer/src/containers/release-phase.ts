import type { DesiredApp } from './desired.js';

/**
 * How far the release command of the release on its way is. `none`: there is none to run. Nothing of a
 * release is started before its command succeeded.
 */
export type ReleasePhase = 'none' | 'due' | 'running' | 'passed' | 'failed';

export const releasePhaseOf = ({
  target,
  runs,
}: Pick<DesiredApp, 'target' | 'runs'>): ReleasePhase => {
  if (target === null || target.rollout.releaseCommand === null) return 'none';
  const run = runs.find(({ rolloutId }) => rolloutId === target.rollout.rolloutId);
  if (run === undefined) return 'due';
  if (run.end === null) return 'running';
  return run.end.outcome === 'succeeded' ? 'passed' : 'failed';
};

export const isReleasePhaseOver = (app: DesiredApp): boolean => {
  const phase = releasePhaseOf(app);
  return phase === 'none' || phase === 'passed';
};
