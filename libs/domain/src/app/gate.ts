import type { AppEvent } from '@shiplog/events';
import { reject, type Decision } from '../decider.js';
import type { AppCommand, AppRejection, Gate, GateRejection } from './commands.js';
import { activeLock } from './lock.js';
import type { ActiveApp, AppState } from './state.js';

type Bar = 'lock' | 'freeze';

/**
 * Commands that make or move releases. What an incident needs is not among them: scale, resize, restart, stop, start,
 * cancel. A canary that began before a freeze may be promoted in it, or it could not end normally.
 */
const BARS: { readonly [T in AppCommand['type']]?: readonly Bar[] } = {
  RequestBuild: ['lock', 'freeze'],
  PromoteRelease: ['lock', 'freeze'],
  RollBack: ['lock', 'freeze'],
  ChangeConfig: ['lock', 'freeze'],
  ChangeSettings: ['lock', 'freeze'],
  AddVolume: ['lock', 'freeze'],
  ChangeVolume: ['lock', 'freeze'],
  AddPort: ['lock', 'freeze'],
  RemoveVolume: ['lock'],
  PromoteRollout: ['lock'],
  DestroyApp: ['lock'],
};

/** Without one of these a change of config or settings moves nothing. */
const MOVES: ReadonlySet<AppEvent['type']> = new Set<AppEvent['type']>([
  'BuildRequested',
  'ReleaseCreated',
  'AppRestarted',
  'RolloutPromoteRequested',
  'VolumeRemoved',
  'AppDestroyed',
]);

type AppDecision = Decision<AppEvent, AppRejection>;

/** Refuses what a lock or a freeze window bars; what is done all the same says so in its commit. */
export const behindGate = (
  type: AppCommand['type'],
  gate: Gate | undefined,
  { state, decision }: { readonly state: AppState; readonly decision: AppDecision },
): AppDecision => {
  if (gate === undefined || state.status !== 'active') return decision;
  if (decision.outcome !== 'accepted') return decision;
  if (!decision.events.some((event) => MOVES.has(event.type))) return decision;
  const rejection = gateRejection(type, state, gate);
  if (rejection !== undefined) return reject(rejection);
  const overridden = overridesOf(type, state, gate);
  return { outcome: 'accepted', events: [...decision.events, ...overridden] };
};

/** Why a command of this kind is barred; undefined: it is not. */
export const gateRejection = (
  type: AppCommand['type'],
  { lock }: Pick<ActiveApp, 'lock'>,
  { at, frozen, overrides, isAdministrator }: Gate,
): GateRejection | undefined => {
  const bars = BARS[type] ?? [];
  const held = bars.includes('lock') ? activeLock(lock, at) : undefined;
  if (held !== undefined && !overrides.lock) return { code: 'app-locked', ...held };
  const closed = bars.includes('freeze') ? frozen : [];
  // First the one that fewer may put aside.
  const open = closed.toSorted((a, b) => Number(b.ofPlatform) - Number(a.ofPlatform))[0];
  if (open === undefined) return undefined;
  const needsAdministrator = open.ofPlatform && !isAdministrator;
  return overrides.freeze && !needsAdministrator
    ? undefined
    : { code: 'releases-frozen', needsAdministrator, ...open };
};

const overridesOf = (
  type: AppCommand['type'],
  { appId, lock }: ActiveApp,
  { at, frozen }: Gate,
): readonly AppEvent[] => {
  const bars = BARS[type] ?? [];
  const held = bars.includes('lock') ? activeLock(lock, at) : undefined;
  const ofLock: AppEvent[] =
    held === undefined
      ? []
      : [
          {
            type: 'LockOverridden',
            v: 1,
            data: { appId, by: held.by, why: held.why, since: held.since },
          },
        ];
  const ofFreezes = (bars.includes('freeze') ? frozen : []).map(
    ({ freeze, ofPlatform, until }): AppEvent => ({
      type: 'FreezeOverridden',
      v: 1,
      data: { appId, freeze, ofPlatform, until },
    }),
  );
  return [...ofLock, ...ofFreezes];
};
