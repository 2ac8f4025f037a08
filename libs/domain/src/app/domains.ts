import type { AppEvent, DomainUse } from '@shiplog/events';
import { accept, reject, type Decision } from '../decider.js';
import type { AppCommand, AppRejection } from './commands.js';
import { isSameUse, PLAIN_USE, useOf } from './domain-uses.js';
import type { ActiveApp } from './state.js';

export const DOMAIN_COUNT_MAX = 100;

type CommandOf<T extends AppCommand['type']> = Extract<AppCommand, { type: T }>;
type DomainDecision = Decision<AppEvent, AppRejection>;

/** The domain, and its sister with or without `www.`, in one commit. */
export const addDomain = (command: CommandOf<'AddDomain'>, state: ActiveApp): DomainDecision => {
  const wanted = [{ host: command.host, use: command.use }, ...(command.sisters ?? [])];
  const events = wanted.flatMap(({ host, use }) => added(state, host, use));
  const more = events.filter(({ type }) => type === 'DomainAdded').length;
  if (more > 0 && state.domains.length + more > DOMAIN_COUNT_MAX) {
    return reject({ code: 'too-many-domains', limit: DOMAIN_COUNT_MAX });
  }
  return accept(...events);
};

/** Where nothing is said of its use, one that is there stays as it is. */
const added = (state: ActiveApp, host: string, use: DomainUse | undefined): AppEvent[] => {
  const { appId } = state;
  if (!state.domains.includes(host)) {
    return [{ type: 'DomainAdded', v: 2, data: { appId, host, use: use ?? PLAIN_USE } }];
  }
  if (use === undefined || isSameUse(use, useOf(state, host))) return [];
  return [{ type: 'DomainUseChanged', v: 1, data: { appId, host, use } }];
};

export const removeDomain = (
  { host }: CommandOf<'RemoveDomain'>,
  state: ActiveApp,
): DomainDecision =>
  state.domains.includes(host)
    ? accept({ type: 'DomainRemoved', v: 2, data: { appId: state.appId, host } })
    : reject({ code: 'domain-not-on-app', host });
