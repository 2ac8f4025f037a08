import { HOST_PATTERN, REDIRECT_STATUSES, type DomainUse } from '@shiplog/events';

/** What is done with requests of a domain, as proxies keep it beside the domain: one word. */
export const useWord = (use: DomainUse | undefined): string => {
  if (use === undefined || (use.kind === 'serve' && !use.strip)) return '';
  return use.kind === 'serve' ? 'strip' : `${use.status}:${use.to}`;
};

/** Undefined where the app just answers, and for what is no such word. */
export const parseUseWord = (word: string): DomainUse | undefined => {
  if (word === '') return undefined;
  if (word === 'strip') return { kind: 'serve', strip: true };
  const [, status, to = ''] = /^(30[1278]):([a-z0-9.-]+)$/.exec(word) ?? [];
  const known = REDIRECT_STATUSES.find((one) => String(one) === status);
  if (known === undefined || !HOST_PATTERN.test(to)) return undefined;
  return { kind: 'redirect', to, status: known };
};

/** How many parts of a path belong to its domain. */
export const partsOf = (domain: string): number => domain.split('/').length - 1;
