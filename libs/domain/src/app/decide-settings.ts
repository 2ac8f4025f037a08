import type { AppEvent, Settings } from '@shiplog/events';
import { accept, reject, type Decision } from '../decider.js';
import { changeChecks } from './change-checks.js';
import { tmpfsFault } from './decide-volumes.js';
import type { AppCommand, AppRejection } from './commands.js';
import { releaseOf, restarted } from './generation.js';
import { excessOf, isSameValue, TAKES_EFFECT } from './resources.js';
import type { ActiveApp } from './state.js';

type AppDecision = Decision<AppEvent, AppRejection>;
type CommandOf<T extends AppCommand['type']> = Extract<AppCommand, { type: T }>;

/** Only what a running container cannot be given makes a new generation. */
export const changeSettings = (
  command: CommandOf<'ChangeSettings'>,
  state: ActiveApp,
): AppDecision => {
  const changes = Object.fromEntries(
    Object.entries(command.changes).filter(
      ([key, value]) =>
        value !== undefined && !isSameValue(state.settings[key as keyof Settings], value),
    ),
  ) as Partial<Settings>;
  const fields = Object.keys(changes) as (keyof Settings)[];
  const checks = changeChecks(state, command.checks ?? {});
  if ('rejection' in checks) return reject(checks.rejection);
  // Health checks are asked from outside: what runs goes on running.
  if (fields.length === 0) return accept(...checks.events);
  const fault = faultOf(changes, state);
  if (fault !== null) return reject(fault);
  const changed: AppEvent = {
    type: 'SettingsChanged',
    v: 4,
    data: { appId: state.appId, changes },
  };
  const base = releaseOf(state, command.baseVersion);
  const isReplacing = fields.some((field) => TAKES_EFFECT[field] === 'replace');
  return base === undefined || !isReplacing
    ? accept(changed, ...checks.events)
    : accept(changed, ...checks.events, restarted(state, base.version));
};

/** What does not go together with the rest of the app. */
const faultOf = (changes: Partial<Settings>, state: ActiveApp): AppRejection | null => {
  const after = { ...state.settings, ...changes };
  const excess = excessOf(after);
  if (excess !== null) return excess;
  const hidden = tmpfsFault(changes.tmpfs ?? [], state.volumes);
  if (hidden !== null) return hidden;
  const twice = changes.stopFirst?.find((process) => (countOf(state, process) ?? 0) > 1);
  if (twice !== undefined) {
    const requested = countOf(state, twice) ?? 0;
    return { code: 'process-runs-once', processType: twice, requested };
  }
  return /^0/.test(after.canarySteps) && after.canaryMatch === null
    ? { code: 'canary-without-requests', steps: after.canarySteps }
    : null;
};

const countOf = ({ formation }: ActiveApp, process: string): number | undefined =>
  Object.hasOwn(formation, process) ? formation[process] : undefined;

export const resizeProcess = (
  { process, set, unset }: CommandOf<'ResizeProcess'>,
  state: ActiveApp,
): AppDecision => {
  const known = Object.keys(state.formation);
  if (state.releases.length > 0 && !known.includes(process)) {
    return reject({ code: 'process-type-unknown', processType: process, known });
  }
  const before = Object.hasOwn(state.ownLimits, process) ? state.ownLimits[process] : {};
  const gone = new Set<string>(unset);
  const limits = Object.fromEntries(
    Object.entries({ ...before, ...set }).filter(
      ([field, value]) => value !== undefined && !gone.has(field),
    ),
  );
  if (isSameValue(before, limits)) return accept();
  const { memoryBytes, cpus } = state.settings;
  const excess = excessOf({ memoryBytes, cpus, ...limits });
  if (excess !== null) return reject(excess);
  return accept({ type: 'ProcessResized', v: 1, data: { appId: state.appId, process, limits } });
};
