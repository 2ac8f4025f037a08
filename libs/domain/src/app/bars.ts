import type { Actor } from '@shiplog/events';

/** Nothing makes or moves releases while it holds. */
export interface Lock {
  readonly by: Actor;
  readonly why: string;
  readonly since: string;
  /** When it ends by itself; null: not. */
  readonly until: string | null;
}

/** The lock that holds at that time. No timer ends one: whoever asks later finds it over. */
export const activeLock = (lock: Lock | undefined, at: string): Lock | undefined =>
  lock !== undefined && (lock.until === null || Date.parse(lock.until) > Date.parse(at))
    ? lock
    : undefined;

/** A freeze window that is open. */
export interface FrozenBy {
  readonly freeze: string;
  readonly ofPlatform: boolean;
  readonly until: string;
  readonly why: string | null;
}

/** What stands in the way of releases at the time of a command, and what its sender puts aside of it. */
export interface Gate {
  readonly at: string;
  readonly frozen: readonly FrozenBy[];
  readonly overrides: { readonly lock: boolean; readonly freeze: boolean };
  readonly isAdministrator: boolean;
}

export type AppLocked = { readonly code: 'app-locked' } & Lock;

export type GateRejection =
  | AppLocked
  | ({
      readonly code: 'releases-frozen';
      /** Only an administrator puts this one aside. */
      readonly needsAdministrator: boolean;
    } & FrozenBy);
