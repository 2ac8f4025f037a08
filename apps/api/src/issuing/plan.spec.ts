import type { CertificateState, KnownCertificate } from '@shiplog/domain';
import { describe, expect, it } from 'vitest';
import { ISSUED_A_WEEK_MAX, planIssuing, retryAfterMs, wantedOrders } from './plan.js';

const NOW = Date.parse('2026-11-21T00:00:00.000Z');
const at = (days: number): string => new Date(NOW + days * 86_400_000).toISOString();
const known = (domain: string, more: Partial<KnownCertificate> = {}): CertificateState => ({
  ...{ status: 'known', domain, certificate: null, order: null, failure: null },
  ...more,
});
const issued = (fromDays: number, toDays: number, source: 'acme' | 'own' = 'acme') => ({
  ...{ fingerprint: 'f', names: [], issuer: 'CA', source },
  ...{ notBefore: at(fromDays), notAfter: at(toDays) },
});
const hosts = ['shop.paas.example.com', 'www.example.org'];
const platform = { domain: 'paas.example.com', hosts };
const plan = (states: Readonly<Record<string, CertificateState>>) =>
  planIssuing(
    wantedOrders({ ...platform, hasDnsHook: false }),
    (domain) => states[domain] ?? { status: 'none' },
    { nowMs: NOW, all: Object.values(states) },
  );

describe('what is to have a certificate', () => {
  it('is the platform, and each host of an app', () => {
    expect(wantedOrders({ ...platform, hasDnsHook: false }).map(({ domain }) => domain)).toEqual([
      ...['paas.example.com', ...hosts],
    ]);
  });
  it('is a wildcard where records can be set; hosts outside of it get their own', () => {
    expect(wantedOrders({ ...platform, hasDnsHook: true })).toEqual([
      { domain: 'paas.example.com', challenge: 'http-01' },
      { domain: '*.paas.example.com', challenge: 'dns-01' },
      { domain: 'www.example.org', challenge: 'http-01' },
    ]);
  });
  it('is nothing that is no host', () => {
    const strange = { ...platform, hosts: ['a b', '*.x.example.com'], hasDnsHook: false };
    expect(wantedOrders(strange)).toHaveLength(1);
  });
});

describe('what is ordered next', () => {
  const served = known('paas.example.com', { certificate: issued(-10, 80) });
  it('is the platform first, then who waits for nothing', () => {
    expect(plan({}).order?.domain).toBe('paas.example.com');
    const failing = known(hosts[0] ?? '', {
      failure: { attempt: 1, code: 'refused', summary: '', retryAt: at(1) },
    });
    const states = { 'paas.example.com': served, 'shop.paas.example.com': failing };
    expect(plan(states).order?.domain).toBe('www.example.org');
  });
  it('is a renewal when two thirds are over, and not before', () => {
    const all = (from: number, to: number) =>
      Object.fromEntries(
        ['paas.example.com', ...hosts].map((one) => [
          one,
          known(one, { certificate: issued(from, to) }),
        ]),
      );
    expect(plan(all(-60, 30)).order?.domain).toBe('paas.example.com');
    const early = plan(all(-59, 31));
    expect(early.order).toBeUndefined();
    expect(early.nextAtMs).toBe(NOW + 86_400_000);
  });
  it('is nothing of what somebody brought, or orders just now', () => {
    const states = {
      'paas.example.com': known('paas.example.com', { certificate: issued(-89, 1, 'own') }),
      'shop.paas.example.com': known('shop.paas.example.com', {
        order: { orderId: 'o', challenge: 'http-01', attempt: 1, until: at(1) },
      }),
      'www.example.org': known('www.example.org', { certificate: issued(-1, 89) }),
    };
    expect(plan(states).order).toBeUndefined();
  });
  it('is no new one when the week is full; renewals go on', () => {
    const gone = (from: number) =>
      Array.from({ length: ISSUED_A_WEEK_MAX }, (_, i) =>
        known(`h${i}.example.com`, { certificate: issued(from, from + 90) }),
      );
    // Of apps that were destroyed since: whoever makes and destroys apps all day uses up the week, too.
    const wanted = wantedOrders({ domain: 'new.example.com', hosts: [], hasDnsHook: false });
    const orderAfter = (from: number) =>
      planIssuing(wanted, () => ({ status: 'none' }), { nowMs: NOW, all: gone(from) }).order;
    expect(orderAfter(-1)).toBeUndefined();
    expect(orderAfter(-8)?.domain).toBe('new.example.com');
  });
});

describe('after a failure', () => {
  it('the pause grows to a day; an hour at least where it is too much', () => {
    expect([1, 2, 3, 9].map((n) => retryAfterMs(n, 'refused') / 60_000)).toEqual([5, 20, 80, 1440]);
    expect(retryAfterMs(1, 'rate-limited')).toBe(3_600_000);
  });
});
