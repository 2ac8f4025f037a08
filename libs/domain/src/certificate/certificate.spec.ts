import type { CertificateFacts } from '@shiplog/events';
import { describe, expect, it } from 'vitest';
import { https } from './https.js';
import { certificate, coversHost, renewAt, type CertificateCommand } from './index.js';

const domain = 'shop.example.com';
const facts = (fingerprint: string): CertificateFacts => ({
  fingerprint,
  names: [domain],
  issuer: 'CA',
  notBefore: '2026-11-01T00:00:00.000Z',
  notAfter: '2026-12-01T00:00:00.000Z',
  source: 'acme',
});
const after = (...commands: readonly CertificateCommand[]) =>
  commands.reduce((state, command) => {
    const decision = certificate.decide(command, state);
    if (decision.outcome === 'rejected') throw new Error(decision.rejection.code);
    return decision.events.reduce(certificate.evolve, state);
  }, certificate.initialState);
const order = (orderId: string, at: string, until: string): CertificateCommand => ({
  ...{ type: 'OrderCertificate', domain, orderId, directory: 'https://acme.example.com/d' },
  ...{ challenge: 'http-01', at, until },
});
const failed = (orderId: string): CertificateCommand => ({
  ...{ type: 'RecordFailed', domain, orderId, code: 'dns', summary: 'no address' },
  retryAt: '2026-11-02T00:00:00.000Z',
});

describe('the certificate of a domain', () => {
  it('is installed once, whatever is repeated, and replaced by another', () => {
    const install = (fingerprint: string): CertificateCommand => ({
      type: 'InstallCertificate',
      domain,
      certificate: facts(fingerprint),
    });
    const state = after(install('a'), install('b'));
    expect(state).toMatchObject({ certificate: { fingerprint: 'b' }, failure: null });
    expect(certificate.decide(install('b'), state)).toEqual({ outcome: 'accepted', events: [] });
  });

  it('is removed, and after that there is none to remove', () => {
    const remove: CertificateCommand = { type: 'RemoveCertificate', domain };
    const state = after({ type: 'InstallCertificate', domain, certificate: facts('a') }, remove);
    expect(state).toEqual({ status: 'none' });
    expect(certificate.decide(remove, state)).toMatchObject({
      rejection: { code: 'certificate-not-found', domain },
    });
  });

  it('is ordered by one at a time; whoever never came back is overtaken', () => {
    const state = after(order('one', '2026-11-01T00:00:00Z', '2026-11-01T00:05:00Z'));
    const again = (at: string) => certificate.decide(order('two', at, at), state);
    expect(again('2026-11-01T00:04:59Z')).toMatchObject({
      rejection: { code: 'certificate-order-open' },
    });
    expect(again('2026-11-01T00:05:01Z')).toMatchObject({ outcome: 'accepted' });
  });

  it('is not ordered where somebody brought their own', () => {
    const own = { ...facts('a'), source: 'own' } as const;
    const state = after({ type: 'InstallCertificate', domain, certificate: own });
    expect(certificate.decide(order('one', '2026-12-02', '2026-12-03'), state)).toMatchObject({
      rejection: { code: 'certificate-order-open' },
    });
  });

  it('counts failures in a row, goes on serving meanwhile, and forgets them with the next one', () => {
    const [one, two, three] = ['2026-11-01', '2026-11-02', '2026-11-03'] as const;
    const failedTwice = after(
      { type: 'InstallCertificate', domain, certificate: facts('a') },
      order('o1', one, one),
      failed('o1'),
      order('o2', two, two),
      failed('o2'),
    );
    expect(failedTwice).toMatchObject({
      certificate: { fingerprint: 'a' },
      failure: { attempt: 2, code: 'dns' },
      order: null,
    });
    const issued = { type: 'RecordIssued', domain, orderId: 'o3' } as const;
    const commands: readonly CertificateCommand[] = [
      order('o3', three, three),
      { ...issued, certificate: facts('b') },
    ];
    const done = commands.reduce((state, command: CertificateCommand) => {
      const decision = certificate.decide(command, state);
      return decision.outcome === 'accepted'
        ? decision.events.reduce(certificate.evolve, state)
        : state;
    }, failedTwice);
    expect(done).toMatchObject({ certificate: { fingerprint: 'b' }, failure: null, order: null });
  });

  it('takes no result of an order that another one took the place of', () => {
    const state = after(order('new', '2026-11-01', '2026-11-01'));
    const late = { type: 'RecordIssued', domain, orderId: 'old', certificate: facts('a') } as const;
    expect(certificate.decide(late, state)).toEqual({ outcome: 'accepted', events: [] });
    expect(certificate.decide(failed('old'), state)).toEqual({ outcome: 'accepted', events: [] });
  });

  it('serves its host, and a wildcard one label', () => {
    expect(coversHost(domain, domain)).toBe(true);
    expect(coversHost('*.example.com', domain)).toBe(true);
    expect(coversHost('*.example.com', 'a.shop.example.com')).toBe(false);
    expect(coversHost('*.example.com', 'example.com')).toBe(false);
  });

  it('is renewed when two thirds of its life are over', () => {
    expect(new Date(renewAt(facts('a'))).toISOString()).toBe('2026-11-21T00:00:00.000Z');
  });
});

describe('the https policy of an app', () => {
  it('redirects by default, tells browsers nothing, and changes only what is named', () => {
    const { initialState } = https;
    expect(initialState).toMatchObject({ redirect: true, hstsSeconds: null });
    const decision = https.decide(
      { type: 'ChangeHttpsPolicy', appId: 'a', hstsSeconds: 60 },
      initialState,
    );
    expect(decision).toMatchObject({ events: [{ data: { redirect: true, hstsSeconds: 60 } }] });
    const same = { type: 'ChangeHttpsPolicy', appId: 'a', redirect: true } as const;
    expect(https.decide(same, initialState)).toEqual({ outcome: 'accepted', events: [] });
  });
});
