import type { AppEvent } from '@shiplog/events';
import { accept, reject, type Decision } from '../decider.js';
import { activeLock, type AppLocked, type Lock } from './bars.js';
import type { ActiveApp } from './state.js';

/** Who holds it may say something else; somebody else's is taken away first, so that it is not by mistake. */
export const lockApp = (
  { by, why, since, until }: Lock,
  { appId, lock }: ActiveApp,
): Decision<AppEvent, AppLocked> => {
  const held = activeLock(lock, since);
  if (held !== undefined && held.by.id !== by.id) return reject({ code: 'app-locked', ...held });
  if (held?.why === why && held.until === until) return accept();
  return accept({ type: 'AppLocked', v: 1, data: { appId, by, why, since, until } });
};

export const unlockApp = (
  { at }: { readonly at: string },
  { appId, lock }: ActiveApp,
): Decision<AppEvent, never> =>
  activeLock(lock, at) === undefined
    ? accept()
    : accept({ type: 'AppUnlocked', v: 1, data: { appId } });
