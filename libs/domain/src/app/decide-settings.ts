import type { AppEvent, Settings } from '@shiplog/events';
import { accept, reject, type Decision } from '../decider.js';
import { changeChecks } from './change-checks.js';
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
  const excess = excessOf({ ...state.settings, ...changes });
  if (excess !== null) return reject(excess);
  const twice = changes.stopFirst?.find((process) => (countOf(state, process) ?? 0) > 1);
  if (twice !== undefined) {
    return reject({
      code: 'process-runs-once',
      processType: twice,
      requested: countOf(state, twice) ?? 0,
    });
  }
  const after = { ...state.settings, ...changes };
  if (/^0/.test(after.canarySteps) && after.canaryMatch === null) {
    return reject({ code: 'canary-without-requests', steps: after.canarySteps });
  }
  const changed: AppEvent = {
    type: 'SettingsChanged',
    v: 3,
    data: { appId: state.appId, changes },
  };
  const base = releaseOf(state, command.baseVersion);
  const isReplacing = fields.some((field) => TAKES_EFFECT[field] === 'replace');
  return base === undefined || !isReplacing
    ? accept(changed, ...checks.events)
    : accept(changed, ...checks.events, restarted(state, base.version));
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
