import type { AppEvent } from '@shiplog/events';

/** Who may send requests to an app, and whether the app sees their `Authorization`. */
export interface BasicAuth {
  /** By name: a hash of the password, encrypted. At least one, or everyone may. */
  readonly users: Readonly<Record<string, string>>;
  readonly passesHeader: boolean;
}

/** As it is where nobody ever asked for it. */
export const OPEN_TO_ALL: BasicAuth = { users: {}, passesHeader: false };

type Changed = Extract<AppEvent, { type: 'BasicAuthChanged' }>['data'];

export const withBasicAuth = (
  before: BasicAuth,
  { set, unset, passesHeader }: Omit<Changed, 'appId'>,
): BasicAuth => {
  const users = Object.entries({ ...before.users, ...set }).filter(
    ([user]) => !unset.includes(user),
  );
  return {
    users: Object.fromEntries(users.toSorted(([a], [b]) => (a < b ? -1 : 1))),
    passesHeader: passesHeader ?? before.passesHeader,
  };
};
