import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLogger, type PlatformConfig } from '@shiplog/runtime';
import { keyStoreOf } from '../keys/key-store-of.js';
import { domainIdOf } from '../process-managers/index.js';
import { startTestPlatform, type TestPlatform } from '../progress/testing/platform.js';
import type { InMemoryAuthorityOptions } from './in-memory-authority.js';
import { InMemoryAuthority } from './in-memory-authority.js';
import { issuerRound } from './issuer.js';

const DAY = 86_400_000;
let home: string;
let platform: TestPlatform;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'shiplog-issuer-'));
  platform = await startTestPlatform(home);
});
afterEach(async () => {
  await platform.stop();
  await rm(home, { recursive: true, force: true });
});

const issuer = (options: Partial<InMemoryAuthorityOptions> = {}) => {
  const clock = { ms: Date.now() };
  const authority = new InMemoryAuthority({
    refused: new Set(),
    now: () => clock.ms,
    ...options,
  });
  const acme = { directory: 'https://acme.example.com/d', email: 'ops@example.com' };
  const config: PlatformConfig = {
    ...platform.api.config,
    domain: 'paas.example.com',
    acme: { ...acme, dnsHook: undefined, externalAccount: undefined },
  };
  const { certificates } = keyStoreOf(config);
  const context = { ...platform.api, config, logger: createLogger('silent') };
  const round = issuerRound({ context, authority, certificates, now: () => clock.ms });
  const rounds = async (): Promise<void> => {
    while ((await round()).nextRoundInMs === 0);
  };
  const stateOf = (domain: string) =>
    platform.api.world.get('certificate', domainIdOf(domain)).state;
  return { authority, certificates, clock, round, rounds, stateOf };
};
const eventsOf = async (domain: string) =>
  (await platform.api.log.read(`certificate.${domainIdOf(domain)}`)).flatMap(({ commit }) =>
    commit.events.map(({ type }) => type),
  );

describe('the issuer', () => {
  it('gets a certificate for the platform, keeps its key, and says so in the log', async () => {
    const { certificates, rounds, stateOf, authority } = issuer();
    await rounds();
    const state = stateOf('paas.example.com');
    expect(state).toMatchObject({ certificate: { source: 'acme', names: ['paas.example.com'] } });
    const { fingerprint = '' } = (state.status === 'known' && state.certificate) || {};
    expect((await certificates.load(fingerprint))?.privateKey).toContain('PRIVATE KEY');
    expect(await eventsOf('paas.example.com')).toEqual([
      'CertificateOrdered',
      'CertificateInstalled',
    ]);
    await rounds();
    expect(authority.orders).toHaveLength(1);
  });

  it('gets one for the host of an app that is created', async () => {
    const { rounds, authority } = issuer();
    await platform.given('app', 'a1', {
      type: 'CreateApp',
      appId: 'a1',
      name: 'shop',
      teamId: 't',
    });
    await rounds();
    expect(authority.orders.map(({ domain }) => domain)).toEqual([
      ...['paas.example.com', 'shop.paas.example.com'],
    ]);
  });

  it('asks for no domain that is still to be proven, and does once it was', async () => {
    const { rounds, authority } = issuer();
    const host = 'bank.example.org';
    const app = { appId: 'a1', teamId: 't' };
    await platform.given('app', 'a1', { type: 'CreateApp', ...app, name: 'shop' });
    const proof = { since: '2026-11-26T00:00:00.000Z', until: '2026-12-03T00:00:00.000Z' };
    const id = domainIdOf(host);
    await platform.given('domain', id, { type: 'ReserveDomain', host, ...app, proof });
    const use = { kind: 'serve', strip: false } as const;
    await platform.given('app', 'a1', { type: 'AddDomain', host, use, sisters: [] });
    await rounds();
    const ordered = () => authority.orders.map(({ domain }) => domain);
    expect(ordered()).not.toContain(host);
    const look = { outcome: 'verified', reason: null, at: '2026-11-26T01:00:00.000Z' } as const;
    await platform.given('domain', id, { type: 'RecordDomainLook', appId: 'a1', look });
    await rounds();
    expect(ordered()).toContain(host);
  });

  it('gives up that of a name that was given back when it counts no more, and no other one', async () => {
    const { rounds, stateOf, clock } = issuer();
    const create = { type: 'CreateApp', appId: 'a1', name: 'shop', teamId: 't' } as const;
    await platform.given('app', 'a1', create);
    await platform.given('app', 'a1', { type: 'AddDomain', host: 'www.example.org' });
    await rounds();
    await platform.given('app', 'a1', { type: 'RemoveDomain', host: 'www.example.org' });
    await rounds();
    expect(stateOf('www.example.org')).toMatchObject({ certificate: { source: 'acme' } });
    clock.ms += 8 * DAY;
    await rounds();
    const domains = ['www.example.org', 'shop.paas.example.com', 'paas.example.com'];
    expect(domains.map((one) => stateOf(one).status)).toEqual(['none', 'known', 'known']);
    await platform.given('app', 'a1', { type: 'DestroyApp', confirm: 'shop' });
    await rounds();
    expect(domains.map((one) => stateOf(one).status)).toEqual(['none', 'none', 'known']);
  });

  it('renews it when two thirds of its life are over', async () => {
    const { rounds, clock, authority } = issuer({ lifeMs: 9 * DAY });
    await rounds();
    clock.ms += 5.9 * DAY;
    await rounds();
    expect(authority.orders).toHaveLength(1);
    clock.ms += 0.2 * DAY;
    await rounds();
    expect(authority.orders).toHaveLength(2);
  });

  it('waits longer after each failure, goes on with the others, and forgets it with the next', async () => {
    const refused = new Set(['paas.example.com']);
    const { rounds, clock, stateOf, authority } = issuer({ refused });
    await platform.given('app', 'a1', {
      type: 'CreateApp',
      appId: 'a1',
      name: 'shop',
      teamId: 't',
    });
    await rounds();
    expect(stateOf('paas.example.com')).toMatchObject({
      failure: { attempt: 1, code: 'refused', summary: 'paas.example.com did not answer' },
    });
    expect(stateOf('shop.paas.example.com')).toMatchObject({ certificate: { source: 'acme' } });
    clock.ms += 4 * 60_000;
    await rounds();
    expect(authority.orders).toHaveLength(2);
    clock.ms += 2 * 60_000;
    await rounds();
    expect(stateOf('paas.example.com')).toMatchObject({ failure: { attempt: 2 } });
    refused.clear();
    clock.ms += 21 * 60_000;
    await rounds();
    expect(stateOf('paas.example.com')).toMatchObject({ failure: null, order: null });
  });

  it('does not order on and on where the clock here is far ahead of that of the authority', async () => {
    const { rounds, stateOf, authority } = issuer({ now: () => Date.now() - 80 * DAY });
    await rounds();
    expect(authority.orders).toHaveLength(1);
    expect(stateOf('paas.example.com')).toMatchObject({
      failure: { code: 'unusable', summary: expect.stringContaining('clock') as string },
    });
  });

  it('asks once where two of them run', async () => {
    const [one, two] = [issuer(), issuer()];
    await Promise.all([one.round(), two.round()]);
    await Promise.all([one.rounds(), two.rounds()]);
    expect(one.authority.orders.length + two.authority.orders.length).toBe(1);
  });
});
