import { createHash } from 'node:crypto';
import { trafficIdentity } from '@shiplog/domain';
import {
  basicAuthUser,
  PASSWORD_HASH_PATTERN,
  trafficPolicy,
  type HeaderChanges,
  type TrafficPolicy,
} from '@shiplog/events';
import { addressPrefixes } from './notice.js';
import { RouterError, type Credentials, type TrafficRules } from './router.port.js';

export const rulesOf = (policy: TrafficPolicy, credentials?: Credentials): TrafficRules => {
  const who = credentials === undefined ? '' : JSON.stringify(credentials);
  return {
    id: createHash('sha256').update(trafficIdentity(policy)).update(who).digest('hex').slice(0, 16),
    policy,
    ...(credentials !== undefined && { credentials }),
  };
};

/** The cookie by which a client comes back, and what is in it: nothing that leads to an instance from outside. */
export const SESSION_COOKIE = 'shiplog_session';
const SESSION_DIGITS = 32;
export const sessionOf = (instanceId: string): string =>
  createHash('sha256').update(instanceId).digest('hex').slice(0, SESSION_DIGITS);

/** How many windows a client that goes on at the limit is looked back over. */
const SUSTAINED = 10;
const MINUTE_SECONDS = 60;

/**
 * A policy in the words of the proxies: names and values of letters, digits and `/_-`, nothing of which means
 * anything to a map, the runtime API or a line of routes. The last gate: what is no policy throws.
 */
export const ruleValues = ({
  policy: asked,
  credentials,
}: TrafficRules): ReadonlyMap<string, string> => {
  const policy = checked(asked);
  const values: Readonly<Record<string, string | number | undefined>> = {
    sticky: policy.sticky && 'on',
    ...rateValues(policy.rate),
    concurrency: policy.concurrency?.perInstance,
    queue: policy.concurrency?.queue,
    body: policy.bodyBytes,
    response: policy.responseSeconds && policy.responseSeconds * 1000,
    tunnel: policy.tunnelSeconds && policy.tunnelSeconds * 1000,
    allow: policy.allow && 'on',
    request: headerText(policy.requestHeaders),
    answer: headerText(policy.responseHeaders),
    auth: credentials && (credentials.passesHeader ? 'pass' : 'strip'),
  };
  return new Map(
    Object.entries(values).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, String(value)] as const],
    ),
  );
};

const rateValues = (rate: TrafficPolicy['rate']) => {
  if (rate === undefined) return {};
  const { requests, per, burst, by } = rate;
  return {
    rate: per,
    requests,
    peak: requests + burst,
    sustained: requests * SUSTAINED + burst,
    retry: per === 'second' ? 1 : Math.ceil(MINUTE_SECONDS / requests),
    by: by === 'address' ? undefined : by.slice('header:'.length),
  };
};

/** What addresses of a list begin with. */
export const listPrefixes = ({ policy }: TrafficRules, list: 'allow' | 'deny'): readonly string[] =>
  addressPrefixes(checked(policy)[list] ?? []);

/** Names and hashes of passwords, both in base64url. */
export const userValues = ({
  credentials,
}: TrafficRules): readonly (readonly [user: string, hash: string])[] =>
  Object.entries(credentials?.users ?? {}).map(([user, hash]) => {
    // Neither is told: in the one place of the other there may be a password.
    if (!basicAuthUser.safeParse(user).success || !PASSWORD_HASH_PATTERN.test(hash))
      throw new RouterError('router-refused', 'not a name and the hash of a password');
    return [Buffer.from(user).toString('base64url'), Buffer.from(hash).toString('base64url')];
  });

/** `set <name> <value>` and `remove <name>`, one a line, in base64url. */
const headerText = (changes: HeaderChanges | undefined): string | undefined => {
  if (changes === undefined) return undefined;
  const lines = [
    ...Object.entries(changes.set).map(([name, value]) => `set ${name} ${value}`),
    ...changes.remove.map((name) => `remove ${name}`),
  ];
  return Buffer.from(lines.join('\n')).toString('base64url');
};

const checked = (policy: TrafficPolicy): TrafficPolicy => {
  const parsed = trafficPolicy.safeParse(policy);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const what = `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`;
  throw new RouterError('router-refused', `not a traffic policy: ${what}`);
};
