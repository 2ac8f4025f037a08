import { gateRejection, type AppRejection, type Gate } from '@shiplog/domain';
import { gateOf } from '../gates/gate-of.js';
import { problemOf } from '../http/rejection-problem.js';
import { printable } from './decide-push.js';
import type { Push, PushDependencies } from './push.js';

export type Overrides = Gate['overrides'];
export type Bar = Extract<AppRejection, { code: 'app-locked' | 'releases-frozen' }>;

export const isOfGate = (rejection: AppRejection): rejection is Bar =>
  rejection.code === 'app-locked' || rejection.code === 'releases-frozen';

/** `git push -o reason="…"`: why, as `-m` says it elsewhere. */
export const reasonOf = (options: readonly string[]): string | undefined => {
  const option = options.find((text) => text.startsWith('reason='));
  const reason = printable(option?.slice('reason='.length) ?? '').trim();
  return reason === '' ? undefined : reason;
};

/** `git push -o override-lock -o override-freeze`: what is put aside. */
export const overridesIn = (options: readonly string[]): Overrides => ({
  lock: options.includes('override-lock'),
  freeze: options.includes('override-freeze'),
});

export const pushGate = (
  { world, now = Date.now }: Pick<PushDependencies, 'world' | 'now'>,
  { app, isAdministrator }: Push,
  overrides: Overrides,
): Gate => gateOf(world, app.appId, { overrides, isAdministrator }, now());

/** Why a push is refused before anything of it is stored; undefined: it is not. */
export const barOf = (
  deps: PushDependencies,
  push: Push,
  options: readonly string[],
): string | undefined => {
  const overrides = overridesIn(options);
  if (overrides.lock || overrides.freeze) {
    if (push.isOnlyPush) {
      return 'this token is for pushing only and puts no lock or freeze aside; push as yourself: shiplog git remote';
    }
    if (reasonOf(options) === undefined) {
      return 'say why a lock or freeze is put aside: git push -o override-lock -o reason="…"';
    }
  }
  const app = deps.world.app(push.app.appId);
  if (app === undefined) return undefined;
  const rejection = gateRejection('RequestBuild', app, pushGate(deps, push, overrides));
  if (rejection === undefined) return undefined;
  const reason = reasonOf(options) ?? null;
  noteRefused(deps, push, { outcome: 'rejected', code: rejection.code, reason });
  return barText(rejection, push);
};

/** As everywhere, and how git says it. */
export const barText = (rejection: Bar, { isOnlyPush }: Push): string => {
  const mayNot = rejection.code === 'releases-frozen' && rejection.needsAdministrator;
  const option = rejection.code === 'app-locked' ? 'override-lock' : 'override-freeze';
  const how =
    isOnlyPush || mayNot ? '' : ` With git: git push -o ${option} -o reason="…" <remote> main.`;
  return `${problemOf(rejection).detail}${how}`;
};

export const noteRefused = (
  { audit }: Pick<PushDependencies, 'audit'>,
  { app, actor, from }: Push,
  refused: {
    readonly outcome: 'rejected' | 'conflict';
    readonly code: string;
    readonly reason: string | null;
  },
): void => {
  const what = { command: 'gitPush', appId: app.appId, target: app.name, actor, from };
  audit.refused({ ...refused, ...what });
};
