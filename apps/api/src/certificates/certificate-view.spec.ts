import type { ActiveApp, KnownCertificate, World } from '@shiplog/domain';
import { readConfig } from '@shiplog/runtime';
import { describe, expect, it } from 'vitest';
import { certificateView } from './certificate-view.js';

const NOW = Date.parse('2026-11-27T12:00:00.000Z');
const DOMAIN = 'shop.example.com';
const known = (more: Partial<KnownCertificate> = {}, source: 'acme' | 'own' = 'acme') =>
  ({
    domain: DOMAIN,
    certificate: {
      ...{ source, names: [DOMAIN], issuer: 'test', fingerprint: 'f1' },
      ...{ notBefore: '2026-11-01T00:00:00.000Z', notAfter: '2027-01-30T00:00:00.000Z' },
    },
    order: null,
    failure: null,
    ...more,
  }) as KnownCertificate;

const platform = ({ served = 'f1', domains = [DOMAIN], tlsPort = '8443' } = {}) => ({
  config: readConfig({
    SHIPLOG_HOME: '/tmp/shiplog',
    SHIPLOG_DOMAIN: 'apps.example.org',
    ...(tlsPort !== '' && { SHIPLOG_TLS_PORT: tlsPort }),
  }),
  world: {
    routers: () =>
      [{ certificates: { [DOMAIN]: served } }] as unknown as ReturnType<World['routers']>,
    apps: () => [{ name: 'shop', domains }] as unknown as ActiveApp[],
  },
});

describe('the state of a certificate', () => {
  it.each([
    ['served', 'all routers confirmed it', known(), platform()],
    ['installing', 'a router has another one still', known(), platform({ served: 'f0' })],
    ['unserved', 'nobody listens for HTTPS', known(), platform({ tlsPort: '' })],
    [
      'unserved',
      'an authority gave it, and no app answers there any more',
      known(),
      platform({ served: '', domains: [] }),
    ],
    [
      'installing',
      'somebody brought it, whoever answers there',
      known({}, 'own'),
      platform({ served: '', domains: [] }),
    ],
    [
      'expired',
      'its time is over',
      known({
        certificate: { ...known().certificate, notAfter: '2026-11-27T12:00:00.000Z' } as never,
      }),
      platform(),
    ],
    ['failed', 'there is none, and none is ordered', known({ certificate: null }), platform()],
    [
      'ordered',
      'the authority is asked',
      known({ certificate: null, order: {} as never }),
      platform(),
    ],
  ])('is %s when %s', (state, _, certificate, context) => {
    expect(certificateView(context, certificate, NOW).state).toBe(state);
  });
});
