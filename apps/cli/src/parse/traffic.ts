import type { TrafficPolicy } from '@shiplog/api-client';
import { usageError } from '../exit-code.js';
import { parseBytes, parseInteger, parseSeconds } from './quantity.js';

type Headers = NonNullable<TrafficPolicy['requestHeaders']>;

/** One part of a policy as a person names and writes it. */
interface Part {
  readonly field: Exclude<keyof TrafficPolicy, 'requestHeaders' | 'responseHeaders'>;
  readonly help: string;
  readonly parse: (text: string) => TrafficPolicy;
}

/** `20/second,burst:40`: what stands first, and what is named after it. */
const named = (name: string, text: string, known: readonly string[]) => {
  const [first = '', ...rest] = text.split(',');
  const options = rest.map((word) => {
    const [key = '', ...value] = word.split(':');
    if (known.includes(key)) return [key, value.join(':')] as const;
    throw usageError(`${name}: "${word}" is none of ${known.map((one) => `${one}:…`).join(', ')}`);
  });
  return { first, options: Object.fromEntries(options) as Readonly<Record<string, string>> };
};

const parseRate = (text: string): TrafficPolicy => {
  const { first, options } = named('rate', text, ['burst', 'by']);
  const [, requests = '', per] = /^(\d+)\/(s|second|m|minute)$/.exec(first) ?? [];
  if (per === undefined) {
    throw usageError(
      `rate: "${first}" is not a rate`,
      'Write for example 20/second or 600/minute,burst:100,by:header:x-api-key.',
    );
  }
  return {
    rate: {
      requests: parseInteger('rate', 1, 100_000)(requests),
      per: per.startsWith('s') ? 'second' : 'minute',
      burst: parseInteger('rate: burst', 0, 100_000)(options['burst'] ?? '0'),
      by: (options['by'] ?? 'address').toLowerCase(),
    },
  };
};

const parseConcurrency = (text: string): TrafficPolicy => {
  const { first, options } = named('concurrency', text, ['queue']);
  return {
    concurrency: {
      perInstance: parseInteger('concurrency', 1, 10_000)(first),
      queue: parseInteger('concurrency: queue', 0, 10_000)(options['queue'] ?? '0'),
    },
  };
};

/** An address alone is a network of its own. */
const parseNetworks = (text: string): string[] =>
  text.split(',').map((one) => {
    const trimmed = one.trim();
    if (trimmed.includes('/')) return trimmed;
    return `${trimmed}/${trimmed.includes(':') ? 128 : 32}`;
  });

const parseSticky = (text: string): TrafficPolicy => {
  if (text === 'on') return { sticky: true };
  throw usageError(
    `sticky: "${text}" is not "on"`,
    'To end it: shiplog traffic-policy unset sticky',
  );
};

export const TRAFFIC: Readonly<Record<string, Part>> = {
  sticky: {
    field: 'sticky',
    help: 'on: a client comes back to the instance that answered it first, by a cookie',
    parse: parseSticky,
  },
  rate: {
    field: 'rate',
    help: '20/second or 600/minute,burst:100,by:header:x-api-key; each client above it gets 429',
    parse: parseRate,
  },
  concurrency: {
    field: 'concurrency',
    help: '50,queue:200; requests at once in each instance, and those that may wait; then 503',
    parse: parseConcurrency,
  },
  body: {
    field: 'bodyBytes',
    help: 'such as 10M; a longer body gets 413',
    parse: (text) => ({ bodyBytes: parseBytes('body', text) }),
  },
  'response-timeout': {
    field: 'responseSeconds',
    help: 'such as 2m; how long an instance may be silent, at most 1h',
    parse: (text) => ({ responseSeconds: parseSeconds('response-timeout', text) }),
  },
  'tunnel-timeout': {
    field: 'tunnelSeconds',
    help: 'such as 12h; the same for WebSockets and event streams, at most 1d',
    parse: (text) => ({ tunnelSeconds: parseSeconds('tunnel-timeout', text) }),
  },
  allow: {
    field: 'allow',
    help: '10.0.0.0/8,2001:db8::/32; clients from elsewhere get 403',
    parse: (text) => ({ allow: parseNetworks(text) }),
  },
  deny: {
    field: 'deny',
    help: '192.0.2.7; clients from there get 403, also where they are allowed',
    parse: (text) => ({ deny: parseNetworks(text) }),
  },
};

/** `request.NAME` and `response.NAME`. */
export const parseHeaderName = (
  text: string,
): { field: 'requestHeaders' | 'responseHeaders'; name: string } | undefined => {
  const [, direction, name = ''] = /^(request|response)\.(.+)$/.exec(text) ?? [];
  if (direction === undefined) return undefined;
  return { field: `${direction as 'request' | 'response'}Headers`, name: name.toLowerCase() };
};

/** A policy with one word more: headers are added to those that are there, all else takes the place of what was. */
export const withWord = (
  policy: TrafficPolicy,
  [name, text]: readonly [string, string],
): TrafficPolicy => {
  const header = parseHeaderName(name);
  if (header === undefined) return { ...policy, ...partNamed(name).parse(text) };
  const { set, remove } = withoutHeader(policy[header.field], header.name);
  const changes: Headers =
    text === ''
      ? { set, remove: [...remove, header.name] }
      : { set: { ...set, [header.name]: text }, remove };
  return { ...policy, [header.field]: changes };
};

/** A policy without what is named; undefined where nothing is left of that part. */
export const withoutWord = (policy: TrafficPolicy, name: string): TrafficPolicy => {
  const header = parseHeaderName(name);
  if (header === undefined) return { ...policy, [partNamed(name).field]: undefined };
  const left = withoutHeader(policy[header.field], header.name);
  const isEmpty = Object.keys(left.set).length + left.remove.length === 0;
  return { ...policy, [header.field]: isEmpty ? undefined : left };
};

const withoutHeader = (changes: Headers | undefined, name: string): Headers => ({
  set: Object.fromEntries(Object.entries(changes?.set ?? {}).filter(([one]) => one !== name)),
  remove: (changes?.remove ?? []).filter((one) => one !== name),
});

export const partNamed = (name: string): Part => {
  const part = Object.hasOwn(TRAFFIC, name) ? TRAFFIC[name] : undefined;
  if (part !== undefined) return part;
  throw usageError(
    `"${name}" is no part of a traffic policy`,
    `There are: ${[...Object.keys(TRAFFIC), 'request.HEADER', 'response.HEADER'].join(', ')}.`,
  );
};
