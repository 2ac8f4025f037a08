import type { CertificateFacts } from '@shiplog/events';
import { describe, expect, it } from 'vitest';
import { desiredTls, planTls, servedCertificates, type LoadedCertificate } from './plan.js';
import type { ActualTls } from './terminator.port.js';

const certificates = new Map([
  ['shop.example.com', { fingerprint: 'f1', source: 'acme' as const }],
  ['*.example.org', { fingerprint: 'f2', source: 'own' as const }],
]);
const desired = desiredTls({
  platform: 'paas.example.com',
  hosts: new Map([
    ['shop.example.com', 'shop'],
    ['a.example.org', 'a'],
    ['a.b.example.org', 'a'],
    ['plain.example.com', 'shop'],
    ['*.example.org', 'a'],
    ['*.example.com', 'a'],
    ['*.deep.example.org', 'a'],
  ]),
  certificates,
  policyOf: (appId) => ({ redirect: appId === 'shop', hstsSeconds: appId === 'a' ? 60 : null }),
});
const loaded = new Map<string, LoadedCertificate>([
  ['shop.example.com', { domain: 'shop.example.com', fingerprint: 'f1', sha1: 'S1', pem: 'P1' }],
  ['*.example.org', { domain: '*.example.org', fingerprint: 'f2', sha1: 'S2', pem: 'P2' }],
]);
const nothing: ActualTls = { certificates: new Map(), redirects: new Set(), hsts: new Map() };
const settled: ActualTls = {
  certificates: new Map([
    ['shop.example.com', 'S1'],
    ['*.example.org', 'S2'],
  ]),
  redirects: new Set(['shop.example.com']),
  hsts: new Map([
    ['a.example.org', 60],
    ['*.example.org', 60],
  ]),
};

describe('what HTTPS should be', () => {
  it('has policies for hosts that a certificate serves, and for no others', () => {
    expect([...desired.policies.keys()]).toEqual([
      ...['shop.example.com', 'a.example.org', '*.example.org'],
    ]);
  });
});

const from = (source: CertificateFacts['source']) => (domain: string) =>
  [domain, { fingerprint: domain, source }] as const;

describe('a certificate of a host at which no app answers', () => {
  it('is served where somebody brought it, or where it is of the platform itself, and not else', () => {
    const { certificates } = desiredTls({
      ...{ platform: 'paas.example.com', hosts: new Map() },
      certificates: new Map([
        ...['shop.example.com', 'paas.example.com', '*.paas.example.com'].map(from('acme')),
        from('own')('brought.example.com'),
      ]),
      policyOf: () => ({ redirect: true, hstsSeconds: null }),
    });
    expect([...certificates.keys()]).toEqual([
      ...['paas.example.com', '*.paas.example.com', 'brought.example.com'],
    ]);
  });
});

describe('the plan for a terminator', () => {
  it('installs before it redirects', () => {
    expect(planTls(desired, loaded, nothing).map(({ kind }) => kind)).toEqual([
      ...['install', 'install', 'redirect', 'hsts', 'hsts'],
    ]);
  });

  it('does nothing where all is as it should be', () => {
    expect(planTls(desired, loaded, settled)).toEqual([]);
    expect(servedCertificates(loaded, settled)).toEqual({
      ...{ 'shop.example.com': 'f1', '*.example.org': 'f2' },
    });
  });

  it('takes out what nobody wants any more, redirects first', () => {
    const none = { certificates: new Map(), policies: new Map() };
    expect(planTls(none, new Map(), settled)).toEqual([
      { kind: 'redirect', host: 'shop.example.com', isOn: false },
      { kind: 'hsts', host: 'a.example.org', seconds: null },
      { kind: 'hsts', host: '*.example.org', seconds: null },
      { kind: 'uninstall', domain: 'shop.example.com' },
      { kind: 'uninstall', domain: '*.example.org' },
    ]);
  });

  it('leaves what serves where the certificate of the log cannot be loaded', () => {
    expect(planTls(desired, new Map(), settled)).toEqual([]);
    expect(servedCertificates(new Map(), settled)).toEqual({});
  });

  it('does not call served what is another certificate', () => {
    const other = { ...settled, certificates: new Map([['shop.example.com', 'OLD']]) };
    expect(servedCertificates(loaded, other)).toEqual({});
    expect(planTls(desired, loaded, other)[0]).toMatchObject({ kind: 'install' });
  });
});
