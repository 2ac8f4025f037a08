import { ApiError, type TrafficPolicy } from '@shiplog/api-client';
import { defineCommand, type GroupSpec, type Invocation } from '../command.js';
import { parsePairs } from '../parse/pairs.js';
import { parseHeaderName, partNamed, TRAFFIC, withoutWord, withWord } from '../parse/traffic.js';
import { printableLine } from '../render/printable.js';
import { sizeText } from '../render/size.js';

const show = defineCommand({
  name: 'show',
  summary: 'show what the router does with the requests of an app',
  examples: [
    ['traffic-policy show -a shop', 'limits, lists and headers'],
    ['traffic-policy show -a shop --at 2026-11-25T12:00:00Z --json', 'as it was then'],
  ],
  takes: ['app', 'at'],
  run: async ({ app, client, read, out }) => {
    const policy = await (await client()).trafficPolicy.show(await app(), read);
    out.json(policy);
    const fields = fieldsOf(policy);
    if (fields.length === 0) out.line('Nothing is set: shiplog traffic-policy set');
    else out.fields(fields);
  },
});

const fieldsOf = (policy: TrafficPolicy): readonly (readonly [string, string])[] => {
  const { rate, concurrency, bodyBytes, responseSeconds, tunnelSeconds } = policy;
  const texts: readonly (readonly [string, string | undefined])[] = [
    ['sticky', policy.sticky && 'on'],
    ['rate', rate && `${rate.requests}/${rate.per}, burst ${rate.burst}, by ${rate.by}`],
    [
      'concurrency',
      concurrency && `${concurrency.perInstance} in each instance, ${concurrency.queue} may wait`,
    ],
    ['body', bodyBytes && sizeText(bodyBytes)],
    ['response-timeout', responseSeconds && `${responseSeconds} s`],
    ['tunnel-timeout', tunnelSeconds && `${tunnelSeconds} s`],
    ['allow', policy.allow?.join(', ')],
    ['deny', policy.deny?.join(', ')],
    ...headerFields('request', policy.requestHeaders),
    ...headerFields('response', policy.responseHeaders),
  ].map(([name, text]) => [String(name), text === 0 ? undefined : text]) as never;
  return texts.flatMap(([name, text]) => (text === undefined ? [] : [[name, text] as const]));
};

const headerFields = (
  direction: string,
  changes: TrafficPolicy['requestHeaders'],
): readonly (readonly [string, string])[] => [
  ...Object.entries(changes?.set ?? {}).map(
    ([name, value]) => [`${direction}.${name}`, printableLine(value)] as const,
  ),
  ...(changes?.remove ?? []).map((name) => [`${direction}.${name}`, '(removed)'] as const),
];

const PARTS_HELP = `Parts:
${Object.entries(TRAFFIC)
  .map(([name, { help }]) => `  ${name.padEnd(18)} ${help.replace('; ', `;\n${' '.repeat(21)}`)}`)
  .join('\n')}
  request.HEADER     a value: every request has it; nothing after the "=": no request has it
  response.HEADER    the same for answers`;

const set = defineCommand({
  name: 'set',
  args: [['<name=value...>', 'parts of the policy']],
  summary: 'change what the router does with the requests of an app',
  details: `It counts from the next request on; no instance is started again for it. What is not named stays as it is.\n\n${PARTS_HELP}`,
  examples: [
    ['traffic-policy set -a shop rate=20/second,burst:40', 'each client address, 429 above it'],
    ['traffic-policy set -a shop rate=600/minute,by:header:x-api-key', 'each key'],
    [
      'traffic-policy set -a shop concurrency=50,queue:200',
      'the rest waits for up to 5 s, then 503',
    ],
    [
      'traffic-policy set -a shop allow=10.0.0.0/8,2001:db8::/32 deny=10.6.6.0/24',
      'by client address',
    ],
    ['traffic-policy set -a shop sticky=on body=10M response-timeout=2m', 'several at once'],
    [
      `traffic-policy set -a shop response.x-frame-options=DENY response.server=`,
      'one more, one less',
    ],
  ],
  takes: ['app', 'reason'],
  run: async (invocation) => {
    const pairs = parsePairs(invocation.args, 'shiplog traffic-policy set rate=20/second');
    await change(
      invocation,
      pairs.map(([name]) => name),
      (policy) => pairs.reduce(withWord, policy),
    );
  },
});

const unset = defineCommand({
  name: 'unset',
  args: [['<name...>', 'parts of the policy, such as rate or response.server']],
  summary: 'make parts of the traffic policy as for every app again',
  examples: [
    ['traffic-policy unset -a shop rate', 'no rate limit any more'],
    ['traffic-policy unset -a shop allow deny response.server', 'several at once'],
  ],
  takes: ['app', 'reason'],
  run: async (invocation) => {
    await change(invocation, invocation.args, (policy) =>
      invocation.args.reduce(withoutWord, policy),
    );
  },
});

/** Headers of a direction are one part: those that are there already go with it. */
const change = async (
  invocation: Invocation,
  names: readonly string[],
  by: (policy: TrafficPolicy) => TrafficPolicy,
): Promise<void> => {
  const fields = [...new Set(names.map((n) => parseHeaderName(n)?.field ?? partNamed(n).field))];
  const { out } = invocation;
  // What is no policy is told before anybody is asked.
  by({});
  const app = await invocation.app();
  const { trafficPolicy: policies, apps } = await invocation.client();
  const wish = (policy: TrafficPolicy) => {
    const wanted = by(policy);
    const named = fields.map((field) => [field, wanted[field]] as const);
    return {
      set: Object.fromEntries(named.filter(([, value]) => value !== undefined)),
      unset: named.flatMap(([field, value]) => (value === undefined ? [field] : [])),
    };
  };
  const headersAdded = async () => {
    // The revision first: whoever changes the policy after it makes it a conflict.
    const { revision: ifMatch } = await apps.show(app, {});
    const body = wish(await policies.show(app, {}));
    return policies.change(app, body, { ...invocation.change, ifMatch });
  };
  const answer = fields.some((field) => field.endsWith('Headers'))
    ? await untilUndisturbed(headersAdded)
    : await policies.change(app, wish({}), invocation.change);
  out.json(answer);
  out.line(`Traffic policy of ${app} changed; it counts from now on`);
};

/** Somebody who changes the app all the time is told of; one who was faster is not. */
const TRIES_MAX = 5;
const untilUndisturbed = async <T>(attempt: () => Promise<T>): Promise<T> => {
  for (let left = TRIES_MAX - 1; ; left -= 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== 'revision-conflict' || left === 0)
        throw error;
    }
  }
};

export const trafficPolicy: GroupSpec = {
  name: 'traffic-policy',
  summary: 'limits, sticky sessions, networks and headers of an app at the router',
  commands: [show, set, unset],
};
