import type { AppEvent, TrafficPolicy } from '@shiplog/events';
import { trafficPolicy } from '@shiplog/events';
import { describe, expect, it } from 'vitest';
import { APP, created, given as givenOf } from '../testing/index.js';
import { app } from './index.js';
import { TRAFFIC_PARTS, trafficIdentity, trafficText } from './traffic.js';

const given = givenOf(app);
const changed = (policy: TrafficPolicy): AppEvent => ({
  type: 'TrafficPolicyChanged',
  v: 1,
  data: { appId: APP, policy },
});
const change = (set: TrafficPolicy, unset: (keyof TrafficPolicy)[] = []) =>
  ({ type: 'ChangeTrafficPolicy', set, unset }) as const;

describe('the traffic policy of an app', () => {
  it('is said as a whole, whatever of it changes', () => {
    given(created)
      .when(change({ sticky: true, bodyBytes: 5 }))
      .then(changed({ sticky: true, bodyBytes: 5 }));
    given(created, changed({ sticky: true, bodyBytes: 5 }))
      .when(change({ bodyBytes: 6, deny: ['::/0'] }, ['sticky']))
      .then(changed({ bodyBytes: 6, deny: ['::/0'] }));
    given(created, changed({ sticky: true }))
      .when(change({}, ['sticky']))
      .then(changed({}));
  });
  it('is not said again where it is so already, in whichever order', () => {
    const headers = { set: { b: '1', a: '2' }, remove: ['d', 'c', 'd'] };
    const sorted = { set: { a: '2', b: '1' }, remove: ['c', 'd'] };
    given(created)
      .when(change({ requestHeaders: headers }))
      .then(changed({ requestHeaders: sorted }));
    given(created, changed({ requestHeaders: sorted }))
      .when(change({ requestHeaders: headers }, ['rate']))
      .then();
  });
  it('has a text for people, and one identity for each policy', () => {
    const policy: TrafficPolicy = {
      rate: { requests: 5, per: 'minute', burst: 1, by: 'header:x-key' },
      responseHeaders: { set: {}, remove: ['server'] },
    };
    expect(trafficText(policy)).toBe('rate=5/minute,burst:1,by:header:x-key response.server=');
    const one = { requestHeaders: { set: { a: '1', b: '2' }, remove: [] } };
    const other = { requestHeaders: { set: { a: '1 request.b=2' }, remove: [] } };
    expect(trafficText(one)).toBe(trafficText(other));
    expect(trafficIdentity(one)).not.toBe(trafficIdentity(other));
  });
  it('knows every part that there is', () => {
    expect([...TRAFFIC_PARTS].toSorted()).toEqual(Object.keys(trafficPolicy.shape).toSorted());
  });
});

describe('the grammar of a traffic policy', () => {
  const headers = (set: object, remove: readonly string[] = []) => ({
    requestHeaders: { set, remove },
  });
  it.each([
    { allow: ['10.0.0.0/8', '::1/128', '2001:DB8::/32', '0.0.0.0/0'] },
    headers({ 'x-a': `!"#$%&'()*+,-./:;<=>?@[\\]^_\`{|}~` }, ['x-b']),
    { rate: { requests: 1, per: 'minute', burst: 0, by: 'header:x-1' } },
    { bodyBytes: 2 ** 40, responseSeconds: 3600, tunnelSeconds: 86_400 },
  ])('takes %j', (policy) => {
    expect(trafficPolicy.safeParse(policy).success).toBe(true);
  });
  it.each([
    { allow: [] },
    ...[
      '10.0.0.1',
      '10.0.0.0/33',
      '10.0.0/8',
      '::/129',
      'fe80::1%eth0/64',
      '::ffff:1.2.3.4/128',
    ].map((deny) => ({ deny: [deny] })),
    { deny: ['10.0.0.0/8\n'] },
    { deny: Array.from({ length: 51 }, () => '10.0.0.0/8') },
    headers({}),
    ...['Host', 'host', 'connection', 'transfer-encoding', 'content-length', 'upgrade', 'te'].map(
      (name) => headers({ [name]: 'x' }),
    ),
    ...['x-forwarded-for', 'forwarded', 'x-real-ip', 'x-request-id', 'cookie', 'set-cookie'].map(
      (name) => headers({}, [name]),
    ),
    ...['x_a', 'x-', '-x', '', 'x a', 'x:', 'ä', '__proto__', 'x\r'].map((name) =>
      headers({ [name]: 'x' }),
    ),
    ...['', ' a', 'a ', 'a\nb', 'a\rb', 'a\0', 'ä', '\t', 'x'.repeat(257)].map((value) =>
      headers({ 'x-a': value }),
    ),
    headers({ 'x-a': '1' }, ['x-a']),
    { sticky: false },
    { rate: { requests: 0, per: 'second', burst: 0, by: 'address' } },
    { rate: { requests: 1, per: 'hour', burst: 0, by: 'address' } },
    { rate: { requests: 1, per: 'second', burst: 0, by: 'header:X-Key' } },
    { rate: { requests: 1, per: 'second', burst: 0, by: 'header:.*' } },
    { concurrency: { perInstance: 0, queue: 0 } },
    { bodyBytes: 0.5 },
    { responseSeconds: 3601 },
    { connectSeconds: 1 },
  ])('refuses %j', (policy) => {
    expect(trafficPolicy.safeParse(policy).success).toBe(false);
  });
});
