import { PROBES, type AppEvent, type Check, type ChecksRequest, type Probe } from '@shiplog/events';
import { setCheck, wholeCheck } from './checks.js';
import { isReached } from './ports.js';
import type { ActiveApp } from './state.js';

export const CHECKED_PROCESSES_MAX = 32;

export type CheckRejection =
  /** A check that cannot be asked as it is; `wrong` says in words why. */
  | { code: 'check-invalid'; process: string; probe: Probe; wrong: string; right: string }
  | { code: 'too-many-checks'; limit: number };

/** What a change of health checks comes to, check by check; a rejection where one of them makes no sense. */
export const changeChecks = (
  state: ActiveApp,
  request: ChecksRequest,
): { events: AppEvent[] } | { rejection: CheckRejection } => {
  const events: AppEvent[] = [];
  for (const [process, probes] of Object.entries(request)) {
    for (const probe of PROBES) {
      const asked = probes[probe];
      if (asked === undefined) continue;
      const check = asked === null ? null : wholeCheck(probe, asked);
      const fault = check === null ? null : faultOf(state, process, check);
      if (fault !== null) {
        return { rejection: { code: 'check-invalid', process, probe, ...fault } };
      }
      if (isSame(setCheck(state.checks, process, probe) ?? null, check)) continue;
      events.push({
        type: 'HealthCheckChanged',
        v: 1,
        data: { appId: state.appId, process, probe, check },
      });
    }
  }
  const processes = new Set([...Object.keys(state.checks ?? {}), ...Object.keys(request)]);
  return processes.size > CHECKED_PROCESSES_MAX
    ? { rejection: { code: 'too-many-checks', limit: CHECKED_PROCESSES_MAX } }
    : { events };
};

const faultOf = (
  app: ActiveApp,
  process: string,
  { kind, path, command }: Check,
): { wrong: string; right: string } | null => {
  if ((kind === 'http' || kind === 'tcp') && !isReached(app, process)) {
    return {
      wrong: `${kind} asks a port, and ${process} has none`,
      right:
        'only web and process types with a port (`ports add`) are reached over the network; ask others by a command',
    };
  }
  if (kind === 'http' && path === null) {
    return {
      wrong: 'an http check without a path',
      right: 'name the path it asks, such as /health',
    };
  }
  if (kind !== 'http' && path !== null) {
    return { wrong: `a path for a check of kind ${kind}`, right: 'only http has a path' };
  }
  if (kind === 'command' && command === null) {
    return {
      wrong: 'a command check without a command',
      right: 'name the command as a list of words, such as ["test","-f","/tmp/ready"]',
    };
  }
  if (kind !== 'command' && command !== null) {
    return { wrong: `a command for a check of kind ${kind}`, right: 'only command has one' };
  }
  return null;
};

const isSame = (a: Check | null, b: Check | null): boolean => {
  if (a === null || b === null) return a === b;
  return (
    JSON.stringify(Object.entries(a).toSorted()) === JSON.stringify(Object.entries(b).toSorted())
  );
};
