import type { DomainUse } from '@shiplog/events';
import { useWord } from './domain-use.js';
import type { DesiredEndpoint, DesiredRoutes } from './desired-routes.js';
import type { Notice } from './notice.js';
import type { ActualEndpoint, ActualRoutes, Match, RouteAction } from './router.port.js';

/** Since when something has been so, in milliseconds of one clock. Kept between rounds, lost with the process. */
export interface Since {
  /** Instance id → when it was first seen out of rotation. */
  readonly draining: ReadonlyMap<string, number>;
  /** App id → when its place was first seen empty. */
  readonly empty: ReadonlyMap<string, number>;
}

export interface RoutePlan {
  /** In the order in which they have to be done. */
  readonly actions: readonly RouteAction[];
  /** Routes that the log does not explain away; too many of them to be taken out. */
  readonly refused: readonly string[];
  /** When time alone will make a difference. */
  readonly nextRoundInMs: number | undefined;
}

/**
 * A thread of the proxy may have picked the server just before it was taken out, and count its request
 * just after: what looks drained has to look so again after this time.
 */
const SETTLE_MS = 50;
/** A tunnel that was cut ends within this time, or it is given up. */
const CUT_MS = 2_000;
/** Requests that had chosen an app's place before it emptied have ended or show up in its count. */
const EMPTY_MS = 1_000;
const POLL_MS = 100;
const LEAVING_POLL_MS = 500;
/** Where the log says nothing about an instance any more. */
const DRAIN_MS_DEFAULT = 30_000;

/** Servers first and hosts last when something is added; the other way round when it goes. */
const ORDER: Readonly<Record<RouteAction['kind'], number>> = {
  suspend: 0,
  serve: 1,
  weigh: 1,
  unmatch: 2,
  match: 2,
  police: 2,
  unpolice: 2,
  notify: 2,
  'bind-host': 2,
  'unbind-host': 3,
  drain: 4,
  cut: 5,
  release: 6,
  'release-pool': 7,
};

/**
 * Nothing is left without requests before what takes them over has its part, and what is to have none serves
 * after what has some: at no moment has all that serves a share of nothing.
 */
const rank = (action: RouteAction): number => {
  if (action.kind === 'weigh' && action.weight === 0) return ORDER['unbind-host'];
  const isWithoutShare = action.kind === 'serve' && action.endpoint.weight === 0;
  return ORDER[action.kind] + (isWithoutShare ? 0.5 : 0);
};

export const planRoutes = (
  desired: DesiredRoutes,
  actual: ActualRoutes,
  since: Since,
  nowMs: number,
): RoutePlan => {
  const refused = unexplained(desired, actual);
  const steps: Step[] = [
    ...[...desired.endpoints.values()].map((endpoint) =>
      stepOf(endpoint, actual.endpoints.get(endpoint.instanceId), since, nowMs),
    ),
    ...(refused.length > 0 ? [] : strangerSteps(desired, actual, since, nowMs)),
    ...matchSteps(desired, actual),
    // An app is reached by nobody before it has its policy.
    ...policySteps(desired, actual),
    ...hostSteps(desired, actual, refused.length > 0),
    ...noticeSteps(desired, actual, refused.length > 0),
    ...poolSteps(desired, actual, since, nowMs),
  ];
  const actions = steps.flatMap(({ action }) => action ?? []).toSorted((a, b) => rank(a) - rank(b));
  const waits = steps.flatMap(({ inMs }) => inMs ?? []);
  return {
    actions,
    refused,
    nextRoundInMs: waits.length === 0 ? undefined : Math.max(1, Math.min(...waits)),
  };
};

/** Everything that is right already, or waits for time to pass, is a step without action. */
interface Step {
  readonly action?: RouteAction;
  readonly inMs?: number;
}

const stepOf = (
  wanted: DesiredEndpoint,
  actual: ActualEndpoint | undefined,
  since: Since,
  nowMs: number,
): Step => {
  const { instanceId } = wanted;
  switch (wanted.want) {
    case 'serving':
      if (!isServingAt(wanted, actual)) {
        return { action: { kind: 'serve', endpoint: bare(wanted) } };
      }
      return actual?.weight === wanted.weight
        ? {}
        : { action: { kind: 'weigh', instanceId, weight: wanted.weight } };
    case 'suspended':
      return actual === undefined || actual.state === 'out' || actual.state === 'leaving'
        ? {}
        : { action: { kind: 'suspend', instanceId } };
    case 'draining':
      return actual === undefined ? {} : drainStep(actual, wanted.drainMs, since, nowMs);
  }
};

const drainStep = (actual: ActualEndpoint, drainMs: number, since: Since, nowMs: number): Step => {
  const { instanceId } = actual;
  if (actual.state === 'serving') return { action: { kind: 'drain', instanceId }, inMs: SETTLE_MS };

  if (actual.state === 'leaving') return { inMs: LEAVING_POLL_MS };

  const waitedMs = nowMs - (since.draining.get(instanceId) ?? nowMs);
  if (waitedMs < SETTLE_MS) return { inMs: SETTLE_MS - waitedMs };
  if (actual.sessions === 0 || waitedMs >= drainMs + CUT_MS) {
    return { action: { kind: 'release', instanceId } };
  }
  if (waitedMs >= drainMs) return { action: { kind: 'cut', instanceId }, inMs: SETTLE_MS };
  return { inMs: Math.min(POLL_MS, drainMs - waitedMs) };
};

export const isServingAt = (
  wanted: { readonly host: string; readonly port: number; readonly appId: string },
  actual: ActualEndpoint | undefined,
): boolean =>
  actual?.state === 'serving' &&
  actual.appId === wanted.appId &&
  actual.host === wanted.host &&
  actual.port === wanted.port;

const bare = ({ instanceId, appId, host, port, weight, protocol }: DesiredEndpoint) => ({
  ...(protocol !== undefined && { protocol }),
  instanceId,
  appId,
  host,
  port,
  weight,
});

/**
 * What would be taken out although the log never said why, when that is more than half of everything:
 * an empty or foreign log is a likelier reason than a change nobody recorded.
 */
const unexplained = (desired: DesiredRoutes, actual: ActualRoutes): string[] => {
  const serving = [...actual.endpoints.values()].filter(({ state }) => state === 'serving');
  const strangers = serving.filter(
    ({ instanceId, appId }) => !desired.endpoints.has(instanceId) && !desired.knownApps.has(appId),
  );
  const orphans = [...actual.hosts].filter(
    ([host, appId]) => !desired.hosts.has(host) && !desired.knownApps.has(appId),
  );
  const tooMany = strangers.length * 2 > serving.length || orphans.length * 2 > actual.hosts.size;
  if (!tooMany) return [];
  return [...strangers.map(({ instanceId }) => instanceId), ...orphans.map(([host]) => host)];
};

/** Endpoints that the log does not name any more: their instances were stopped. */
const strangerSteps = (
  desired: DesiredRoutes,
  actual: ActualRoutes,
  since: Since,
  nowMs: number,
): Step[] =>
  [...actual.endpoints.values()]
    .filter(({ instanceId }) => !desired.endpoints.has(instanceId))
    .map((endpoint) => drainStep(endpoint, DRAIN_MS_DEFAULT, since, nowMs));

const bindOf = (host: string, appId: string, use: DomainUse | undefined): RouteAction => ({
  kind: 'bind-host',
  host,
  appId,
  ...(use === undefined ? {} : { use }),
});

const hostSteps = (desired: DesiredRoutes, actual: ActualRoutes, keepUnknown: boolean): Step[] => [
  ...[...desired.hosts]
    .filter(([host, appId]) => {
      const isSame = useWord(desired.uses.get(host)) === useWord(actual.uses.get(host));
      return actual.hosts.get(host) !== appId || !isSame;
    })
    .map(([host, appId]) => ({ action: bindOf(host, appId, desired.uses.get(host)) })),
  ...[...actual.hosts]
    .filter(([host, appId]) => {
      if (desired.hosts.has(host)) return false;
      return !keepUnknown || desired.knownApps.has(appId);
    })
    .map(([host]) => ({ action: { kind: 'unbind-host', host } as const })),
];

/** After those who take the requests serve, before anybody of them is drained. */
const matchSteps = (desired: DesiredRoutes, actual: ActualRoutes): Step[] => [
  ...[...desired.matches]
    .filter(([appId, match]) => !isSameMatch(match, actual.matches.get(appId)))
    .map(([appId, match]) => ({ action: { kind: 'match', appId, match } as const })),
  ...[...actual.matches.keys()]
    .filter((appId) => !desired.matches.has(appId))
    .map((appId) => ({ action: { kind: 'unmatch', appId } as const })),
];

const policySteps = (desired: DesiredRoutes, actual: ActualRoutes): Step[] => [
  ...[...desired.policies]
    .filter(([appId, { id }]) => actual.policies.get(appId) !== id)
    .map(([appId, rules]) => ({ action: { kind: 'police', appId, rules } as const })),
  ...[...actual.policies.keys()]
    // One that nobody knows keeps its policy for as long as it has routes: it may be a log that is not ours.
    .filter((appId) => !desired.policies.has(appId) && desired.knownApps.has(appId))
    .map((appId) => ({ action: { kind: 'unpolice', appId } as const })),
];

/** Where an app is not known, and much else neither, what its clients are told stays. */
const noticeSteps = (
  desired: DesiredRoutes,
  actual: ActualRoutes,
  keepUnknown: boolean,
): Step[] => [
  ...[...desired.notices]
    .filter(([appId, notice]) => !isSameNotice(notice, actual.notices.get(appId)))
    .map(([appId, notice]) => ({ action: { kind: 'notify', appId, notice } as const })),
  ...[...actual.notices.keys()]
    .filter((appId) => !desired.notices.has(appId))
    .filter((appId) => !keepUnknown || desired.knownApps.has(appId))
    .map((appId) => ({ action: { kind: 'notify', appId, notice: null } as const })),
];

const isSameNotice = (a: Notice, b: Notice | undefined): boolean =>
  JSON.stringify(canonical(a)) === JSON.stringify(canonical(b));

const canonical = (notice: Notice | undefined): unknown =>
  notice?.kind === 'maintenance' ? [notice.page, notice.allow] : notice?.kind;

const isSameMatch = (a: Match, b: Match | undefined): boolean =>
  a.rule === b?.rule && a.instanceIds.join() === b.instanceIds.join();

const poolSteps = (
  desired: DesiredRoutes,
  actual: ActualRoutes,
  since: Since,
  nowMs: number,
): Step[] => {
  const wanted = new Set(desired.hosts.values());
  return [...actual.emptyPools]
    .filter(([appId]) => !wanted.has(appId) && !desired.hosts.has(appId))
    .map(([appId, sessions]) => {
      const waitedMs = nowMs - (since.empty.get(appId) ?? nowMs);
      if (sessions > 0 || waitedMs < EMPTY_MS) return { inMs: EMPTY_MS };
      return { action: { kind: 'release-pool', appId } };
    });
};

/** Can a request still begin there? */
export const mayBegin = ({ state }: Pick<ActualEndpoint, 'state'>): boolean =>
  state === 'serving' || state === 'leaving';

/** What has just been seen, for the next plan: clocks start when something is first seen so. */
export const sinceNow = (before: Since, actual: ActualRoutes, nowMs: number): Since => ({
  draining: carried(
    before.draining,
    [...actual.endpoints.values()].flatMap((e) => (mayBegin(e) ? [] : e.instanceId)),
    nowMs,
  ),
  empty: carried(before.empty, [...actual.emptyPools.keys()], nowMs),
});

const carried = (
  before: ReadonlyMap<string, number>,
  ids: readonly string[],
  nowMs: number,
): ReadonlyMap<string, number> => new Map(ids.map((id) => [id, before.get(id) ?? nowMs]));
