import type { Actor, AppEvent } from '@shiplog/events';
import { accept, reject, type Decision } from '../decider.js';

/** Nothing makes or moves releases while it holds. */
export interface Lock {
  readonly by: Actor;
  readonly why: string;
  readonly since: string;
  /** When it ends by itself; null: not. */
  readonly until: string | null;
}

export type LockHeld = { readonly code: 'lock-held' } & Lock;

interface Lockable {
  readonly appId: string;
  readonly lock?: Lock | undefined;
}

/** The lock that holds at that time. No timer ends one: whoever asks later finds it over. */
export const activeLock = (lock: Lock | undefined, at: string): Lock | undefined =>
  lock !== undefined && (lock.until === null || Date.parse(lock.until) > Date.parse(at))
    ? lock
    : undefined;

/** Who holds it may say something else; somebody else's is taken away first, so that it is not by mistake. */
export const lockApp = (
  { by, why, since, until }: Lock,
  { appId, lock }: Lockable,
): Decision<AppEvent, LockHeld> => {
  const held = activeLock(lock, since);
  if (held !== undefined && held.by.id !== by.id) return reject({ code: 'lock-held', ...held });
  if (held?.why === why && held.until === until) return accept();
  return accept({ type: 'AppLocked', v: 1, data: { appId, by, why, since, until } });
};

export const unlockApp = (
  { at }: { readonly at: string },
  { appId, lock }: Lockable,
): Decision<AppEvent, never> =>
  activeLock(lock, at) === undefined
    ? accept()
    : accept({ type: 'AppUnlocked', v: 1, data: { appId } });
