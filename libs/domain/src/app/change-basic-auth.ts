import type { AppEvent } from '@shiplog/events';
import { accept, reject, type Decision } from '../decider.js';
import { OPEN_TO_ALL, withBasicAuth } from './basic-auth.js';
import type { AppCommand, AppRejection } from './commands.js';
import { passwordPart, portsOf } from './ports.js';
import type { ActiveApp } from './state.js';

/** Names that one app may have. */
export const BASIC_AUTH_USER_COUNT_MAX = 50;

/** Nothing is rolled out for it: the next request is asked who it is. */
export const changeBasicAuth = (
  command: Extract<AppCommand, { type: 'ChangeBasicAuth' }>,
  state: ActiveApp,
): Decision<AppEvent, AppRejection> => {
  const { set, opens } = command;
  const before = state.basicAuth ?? OPEN_TO_ALL;
  const known = Object.keys(before.users);
  const missing = command.unset.find((user) => !known.includes(user));
  if (missing !== undefined)
    return reject({ code: 'basic-auth-user-not-found', user: missing, known });
  const unset = [...new Set(command.unset)].filter((user) => !Object.hasOwn(set, user));
  const wanted = command.passesHeader ?? before.passesHeader;
  const passesHeader = wanted === before.passesHeader ? null : wanted;
  if (Object.keys(set).length + unset.length === 0 && passesHeader === null) return accept();

  const data = { appId: state.appId, set: { ...set }, unset, passesHeader };
  const count = Object.keys(withBasicAuth(before, data).users).length;
  if (count > BASIC_AUTH_USER_COUNT_MAX)
    return reject({ code: 'too-many-basic-auth-users', limit: BASIC_AUTH_USER_COUNT_MAX });
  const passed = passedBy(state, count);
  if (passed !== null) return reject(passed);
  // Nobody opens an app to the world by taking away one name too many.
  if (count === 0 && known.length > 0 && !opens) return reject({ code: 'basic-auth-would-end' });
  return accept({ type: 'BasicAuthChanged', v: 1, data });
};

/** Ports that lead to `web` around the passwords. */
const passedBy = (state: ActiveApp, users: number): AppRejection | null => {
  const ports = portsOf(state, 'web').map(({ port }) => port);
  const parts = passwordPart(users, 'web');
  return ports.length > 0 && parts.length > 0 ? { code: 'policy-beside-port', parts, ports } : null;
};
