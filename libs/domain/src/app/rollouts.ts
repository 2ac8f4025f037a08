import type { AppEvent } from '@shiplog/events';
import { accept, type Decision } from '../decider.js';
import type { AppCommand, AppRejection } from './commands.js';
import type { ActiveApp } from './state.js';

type AppDecision = Decision<AppEvent, AppRejection>;
type CommandOf<T extends AppCommand['type']> = Extract<AppCommand, { type: T }>;

export const cancelRollout = (
  { rolloutId }: CommandOf<'CancelRollout'>,
  { appId, rolloutCancels }: ActiveApp,
): AppDecision =>
  rolloutCancels.includes(rolloutId)
    ? accept()
    : accept({ type: 'RolloutCancelRequested', v: 1, data: { appId, rolloutId } });

export const promoteRollout = (
  { rolloutId, step }: CommandOf<'PromoteRollout'>,
  state: ActiveApp,
): AppDecision => {
  const isAsked = state.rolloutPromotes.some((p) => p.rolloutId === rolloutId && p.step >= step);
  if (isAsked) return accept();
  return accept({
    type: 'RolloutPromoteRequested',
    v: 1,
    data: { appId: state.appId, rolloutId, step },
  });
};
