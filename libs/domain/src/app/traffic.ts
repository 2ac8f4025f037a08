import type { AppEvent, HeaderChanges, TrafficPolicy } from '@shiplog/events';
import { accept, reject, type Decision } from '../decider.js';
import type { AppCommand, AppRejection } from './commands.js';
import { numbersOf, unfitFor } from './ports.js';
import type { ActiveApp } from './state.js';

/** Every part of a policy, in the order in which it is written. */
export const TRAFFIC_PARTS = [
  'sticky',
  'rate',
  'concurrency',
  'bodyBytes',
  'responseSeconds',
  'tunnelSeconds',
  'allow',
  'deny',
  'requestHeaders',
  'responseHeaders',
] as const satisfies readonly (keyof TrafficPolicy)[];

/** Nothing is rolled out for it: what runs is served by it from now on. */
export const changeTraffic = (
  { set, unset }: Extract<AppCommand, { type: 'ChangeTrafficPolicy' }>,
  state: ActiveApp,
): Decision<AppEvent, AppRejection> => {
  const before = state.traffic ?? {};
  const kept = TRAFFIC_PARTS.filter((part) => !unset.includes(part));
  const policy = ordered({ ...pick(before, kept), ...set });
  if (trafficIdentity(policy) === trafficIdentity(before)) return accept();
  const parts = unfitFor(policy);
  const ports = numbersOf(state.ports);
  if (parts.length > 0 && ports.length > 0)
    return reject({ code: 'policy-beside-port', parts, ports });
  return accept({
    type: 'TrafficPolicyChanged',
    v: 1,
    data: { appId: state.appId, policy },
  });
};

const pick = (policy: TrafficPolicy, parts: readonly (keyof TrafficPolicy)[]): TrafficPolicy =>
  Object.fromEntries(
    parts.flatMap((part) => (policy[part] === undefined ? [] : [[part, policy[part]]])),
  );

/** The same for policies that mean the same, so that one text tells them apart. */
const ordered = (policy: TrafficPolicy): TrafficPolicy => {
  const { requestHeaders, responseHeaders } = policy;
  return pick(
    {
      ...policy,
      ...(requestHeaders === undefined ? {} : { requestHeaders: sorted(requestHeaders) }),
      ...(responseHeaders === undefined ? {} : { responseHeaders: sorted(responseHeaders) }),
    },
    TRAFFIC_PARTS,
  );
};

const sorted = ({ set, remove }: HeaderChanges): HeaderChanges => ({
  set: Object.fromEntries(Object.entries(set).toSorted(([a], [b]) => (a < b ? -1 : 1))),
  remove: [...new Set(remove)].toSorted(),
});

/** A policy as the CLI takes it, part by part. */
export const trafficWords = (policy: TrafficPolicy): readonly (readonly [string, string])[] => {
  const { rate, concurrency, bodyBytes, responseSeconds, tunnelSeconds, allow, deny } = policy;
  return [
    ...word('sticky', policy.sticky && 'on'),
    ...word('rate', rate && `${rate.requests}/${rate.per},burst:${rate.burst},by:${rate.by}`),
    ...word('concurrency', concurrency && `${concurrency.perInstance},queue:${concurrency.queue}`),
    ...word('body', bodyBytes && `${bodyBytes}`),
    ...word('response-timeout', responseSeconds && `${responseSeconds}s`),
    ...word('tunnel-timeout', tunnelSeconds && `${tunnelSeconds}s`),
    ...word('allow', allow?.join(',')),
    ...word('deny', deny?.join(',')),
    ...headerWords('request', policy.requestHeaders),
    ...headerWords('response', policy.responseHeaders),
  ];
};

const word = (
  name: string,
  text: string | false | 0 | undefined,
): readonly (readonly [string, string])[] =>
  text === undefined || text === false || text === 0 ? [] : [[name, text]];

const headerWords = (
  direction: string,
  changes: HeaderChanges | undefined,
): readonly (readonly [string, string])[] => [
  ...Object.entries(changes?.set ?? {}).map(
    ([name, value]) => [`${direction}.${name}`, value] as const,
  ),
  ...(changes?.remove ?? []).map((name) => [`${direction}.${name}`, ''] as const),
];

/** The same for the same policy, and for no other. */
export const trafficIdentity = (policy: TrafficPolicy): string =>
  JSON.stringify(trafficWords(policy));

/** For people; empty where nothing is set. */
export const trafficText = (policy: TrafficPolicy): string =>
  trafficWords(policy)
    .map(([name, text]) => `${name}=${text}`)
    .join(' ');
