import type { KnownRun } from '@shiplog/domain';
import type { Explanation } from '@shiplog/events';
import { lastLines } from './explain.js';

/** Why a release did not get past its release command. Log lines are blotted out before they come here. */
export const explainReleaseCommand = (
  run: KnownRun | undefined,
  { logLines, timeoutSeconds }: { logLines: readonly string[]; timeoutSeconds: number },
): Explanation => {
  const { summary, remedy } = said(run, timeoutSeconds);
  return {
    code: 'release-command-failed',
    summary: summary.slice(0, 2000),
    remedy,
    tried: run?.startedAt == null ? null : 'run once, before anything of the release was started',
    probe: null,
    listening: [],
    exitCode: run?.end?.exitCode ?? null,
    oomKilled: run?.end?.oomKilled ?? false,
    instanceId: null,
    logLines: lastLines(logLines),
  };
};

const FIX =
  'see its last lines; correct the "release" line of the Procfile, or what it needs, and deploy again';

const said = (
  run: KnownRun | undefined,
  timeoutSeconds: number,
): { summary: string; remedy: string } => {
  const what = `the release command${run?.command == null ? '' : ` "${run.command.join(' ')}"`}`;
  const end = run?.end;
  switch (end?.outcome) {
    case 'failed':
      return end.oomKilled
        ? {
            summary: `${what} ran out of memory`,
            remedy: 'raise the limit, as in shiplog settings set memory=1G, or let it use less',
          }
        : { summary: `${what} exited with code ${end.exitCode ?? 'unknown'}`, remedy: FIX };
    case 'stopped':
      return end.cause === 'deadline'
        ? tooLong(what, timeoutSeconds)
        : {
            summary: `${what} was stopped (${end.cause ?? 'asked'})`,
            remedy: 'deploy again',
          };
    case 'refused':
      return {
        summary: `${what} could not be started: ${end.detail ?? end.cause ?? 'the engine gave no reason'}`,
        remedy: FIX,
      };
    case 'lost':
      return {
        summary: `${what} is gone, and nobody knows how it ended: its container was removed`,
        remedy: 'see whether it did its work, and deploy again',
      };
    default:
      return tooLong(what, timeoutSeconds);
  }
};

const tooLong = (what: string, seconds: number) => ({
  summary: `${what} was not done after ${seconds} s`,
  remedy: `let it do less, or give it longer: shiplog settings set rollout-timeout=${seconds * 2}s`,
});
