import type { Run } from '@shiplog/api-client';
import { durationText } from './time.js';

/** How a run ended or how far it is, for one column. */
export const runResult = ({ state, exitCode, oomKilled, cause }: Run): string => {
  if (oomKilled) return 'out of memory';
  if (state === 'failed') return `exit code ${exitCode ?? 'unknown'}`;
  return cause ?? (exitCode === null ? '' : `exit code ${exitCode}`);
};

/** What it is there for. */
export const runOrigin = ({ kind, job, scheduledFor, deployId }: Run): string => {
  switch (kind) {
    case 'release':
      return `release command${deployId === null ? '' : ` of ${deployId}`}`;
    case 'cron':
      return scheduledFor === null ? `cron ${job}, asked for` : `cron ${job}`;
    case 'command':
      return 'run';
  }
};

export const runDuration = ({ startedAt, endedAt }: Run): string =>
  startedAt === null || endedAt === null
    ? ''
    : durationText(Math.max(0, Date.parse(endedAt) - Date.parse(startedAt)));
