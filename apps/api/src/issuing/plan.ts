import { coversHost, isForsaken, renewAt, type CertificateState } from '@shiplog/domain';
import { HOST_PATTERN, type AcmeChallenge } from '@shiplog/events';

/** Of new domains; renewals come on top. Let's Encrypt gives 50 a week for one registered domain. */
export const ISSUED_A_WEEK_MAX = 40;
const WEEK_MS = 7 * 86_400_000;

export interface Order {
  readonly domain: string;
  readonly challenge: AcmeChallenge;
}

export interface IssuingPlan {
  /** The one to order now. One at a time. */
  readonly order: Order | undefined;
  /** When the next one is due; undefined where nothing is. */
  readonly nextAtMs: number | undefined;
}

interface Wanted {
  /** Of the platform itself. */
  readonly domain: string;
  /** At which apps answer, in the order in which they are served. */
  readonly hosts: Iterable<string>;
  /** Can records of the platform's domain be set? Then one certificate serves all hosts in it. */
  readonly hasDnsHook: boolean;
}

/** Which domains are to have a certificate: the platform first, so that it can be reached. */
export const wantedOrders = ({ domain, hosts, hasDnsHook }: Wanted): readonly Order[] => {
  const wildcard = `*.${domain}`;
  const all = [...hosts].filter((host) => HOST_PATTERN.test(host) && host !== domain);
  const own = all.filter((host) => !(hasDnsHook && coversHost(wildcard, host)));
  return [
    { domain, challenge: 'http-01' },
    ...(hasDnsHook ? [{ domain: wildcard, challenge: 'dns-01' } as const] : []),
    ...own.map((host) => ({ domain: host, challenge: 'http-01' }) as const),
  ];
};

interface IssuedSoFar {
  readonly nowMs: number;
  /** Also of what is not wanted any more: the authority counts it. */
  readonly all: readonly CertificateState[];
}

/**
 * Domains of certificates that an authority gave and at which no app answers any more. Those of the last week stay: the
 * authority counts them, and so do we.
 */
export const forsaken = (
  { all, nowMs }: IssuedSoFar,
  { domain: platform, hosts }: { readonly domain: string; readonly hosts: ReadonlySet<string> },
): readonly string[] =>
  all.flatMap((state) => {
    if (state.status !== 'known' || state.certificate === null) return [];
    const { source, notBefore } = state.certificate;
    const { domain } = state;
    const isOver = Date.parse(notBefore) <= nowMs - WEEK_MS;
    return isOver && isForsaken({ domain, source }, platform, (host) => hosts.has(host))
      ? [domain]
      : [];
  });

/** What is due first. Own certificates are nobody's to renew; who failed waits, the others do not wait for it. */
export const planIssuing = (
  wanted: readonly Order[],
  stateOf: (domain: string) => CertificateState,
  { nowMs, all }: IssuedSoFar,
): IssuingPlan => {
  const states = wanted.map(({ domain }) => stateOf(domain));
  const isFull = countOfWeek(all, nowMs) >= ISSUED_A_WEEK_MAX;
  const due = wanted.flatMap((order, i) => {
    const state = states[i] ?? { status: 'none' };
    const atMs = dueAt(state);
    if (atMs === undefined) return [];
    const isNew = state.status === 'none' || state.certificate === null;
    return [{ order, atMs: isNew && isFull ? Math.max(atMs, nowMs + WEEK_MS / 7) : atMs }];
  });
  const now = due.find(({ atMs }) => atMs <= nowMs);
  const later = due.map(({ atMs }) => atMs);
  return { order: now?.order, nextAtMs: later.length === 0 ? undefined : Math.min(...later) };
};

const dueAt = (state: CertificateState): number | undefined => {
  if (state.status === 'none') return 0;
  const { certificate, order, failure } = state;
  if (certificate?.source === 'own') return undefined;
  return Math.max(
    certificate === null ? 0 : renewAt(certificate),
    order === null ? 0 : Date.parse(order.until),
    failure === null ? 0 : Date.parse(failure.retryAt),
  );
};

const countOfWeek = (states: readonly CertificateState[], nowMs: number): number =>
  states.filter(
    (state) =>
      state.status === 'known' &&
      state.certificate?.source === 'acme' &&
      Date.parse(state.certificate.notBefore) > nowMs - WEEK_MS,
  ).length;

const RETRY_MS_MIN = 5 * 60_000;
const RETRY_MS_MAX = 24 * 60 * 60_000;
const RATE_LIMITED_MS_MIN = 60 * 60_000;

/** How long to wait after so many failures in a row: 5 minutes, 20, 80, …, a day. An hour at least where it is too much. */
export const retryAfterMs = (attempt: number, code: string): number => {
  const growing = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 4 ** (attempt - 1));
  return code === 'rate-limited' ? Math.max(growing, RATE_LIMITED_MS_MIN) : growing;
};
