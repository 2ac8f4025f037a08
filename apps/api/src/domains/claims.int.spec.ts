import { afterAll, beforeAll, expect, it } from 'vitest';
import { checkDomains } from './check-domains.js';
import { DnsTxtRecords } from './dns-txt-records.js';
import { domainIdOf } from '../process-managers/index.js';
import { Ownership } from './ownership.js';
import type { TxtRecords } from './txt-records.port.js';
import { pathsOf } from '@shiplog/runtime';
import { startDnsServer, type DnsServer } from '../testing/dns-server.js';
import { startTestApi, type TestApi } from '../testing/start-test-api.js';

let dns: DnsServer;
let api: TestApi;
let ann: string;
let ben: string;
beforeAll(async () => {
  dns = await startDnsServer();
  const domainChecks = { areDemanded: true, lapseDays: 7, dnsServer: dns.address };
  api = await startTestApi({ domainChecks });
  ann = await api.addUser('ann');
  ben = await api.addUser('ben');
  await api.call('post', '/v1/apps', ann).send({ name: 'anns' }).expect(201);
  await api.call('post', '/v1/apps', ann).send({ name: 'anns2' }).expect(201);
  await api.call('post', '/v1/apps', ben).send({ name: 'bens' }).expect(201);
});
afterAll(async () => {
  await api.stop();
  await dns.stop();
});

const at = (app: string, host: string) => `/v1/apps/${app}/domains/${encodeURIComponent(host)}`;
const add = (token: string, app: string, host: string) =>
  api.call('put', at(app, host), token).send({});
interface Shown {
  readonly host: string;
  readonly ownership: {
    readonly status: string;
    readonly lookedAt: string;
    readonly record: { readonly name: string; readonly value: string };
  };
}
const domainsOf = async (token: string, app: string): Promise<ReadonlyMap<string, Shown>> => {
  const { body } = await api.call('get', `/v1/apps/${app}/domains`, token).expect(200);
  return new Map((body as Shown[]).map((one) => [one.host, one]));
};
const checked = async (token: string, app: string, host: string) =>
  (
    (
      await api
        .call('post', `${at(app, host)}/check`, token)
        .send({})
        .expect(200)
    ).body as Shown
  ).ownership;
/** The record that a refusal names. */
const recordIn = (detail: string) => {
  const [, name = '', value = ''] = /TXT record at (\S+) with the value (\S+)/.exec(detail) ?? [];
  return { [name]: [value] };
};

it('is proven by a record of its team, looked for when it is added and when it is asked for', async () => {
  const { body } = await add(ann, 'anns', '*.one.example').expect(200);
  const { ownership } = body as Shown;
  expect(ownership).toMatchObject({
    status: 'failed',
    record: { name: '_shiplog-challenge.one.example' },
    reason: 'there is no TXT record at _shiplog-challenge.one.example',
  });
  await dns.serve({ [ownership.record.name]: ['shiplog-verify=somebody-elses'] });
  expect((await checked(ann, 'anns', '*.one.example')).status).toBe('failed');
  await dns.serve({ [ownership.record.name]: ['other', ownership.record.value] });
  expect((await checked(ann, 'anns', '*.one.example')).status).toBe('verified');
  // The same record proves what else is at the host.
  expect(
    ((await add(ann, 'anns2', 'one.example/api').expect(200)).body as Shown).ownership,
  ).toMatchObject({ status: 'verified', until: null });
  await dns.serve({});
  expect(await checked(ann, 'anns', '*.one.example')).toMatchObject({ status: 'verified' });
});

it.each([
  ['two.example', 'two.example'],
  ['two.example', 'two.example/path'],
  ['two.example/path', 'two.example'],
  ['www.two.example', '*.two.example'],
  ['*.two.example', 'www.two.example/path'],
  ['*.a.two.example', '*.two.example'],
])('%s of a team keeps another one from %s, until that one proves it', async (theirs, wanted) => {
  await dns.serve({});
  await add(ann, 'anns', theirs).expect(200);
  const refused = await add(ben, 'bens', wanted).expect(409);
  expect(refused.body).toMatchObject({ code: 'domain-taken', conflictsWith: theirs });
  expect((await domainsOf(ben, 'bens')).has(wanted)).toBe(false);
  const record = recordIn(refused.body.detail as string);
  await dns.serve(record);
  const taken = await add(ben, 'bens', wanted).expect(200);
  expect((taken.body as Shown).ownership.status).toBe('verified');
  expect((await domainsOf(ann, 'anns')).has(theirs)).toBe(false);
  // And back again only by a proof, too.
  expect((await add(ann, 'anns', theirs).expect(409)).body.code).toBe('domain-taken');
  await api.call('delete', at('bens', wanted), ben).expect(200);
});

it('takes the certificate along that who loses it had brought', async () => {
  const host = 'cert.example';
  await dns.serve({});
  await add(ann, 'anns', host).expect(200);
  const certificate = {
    ...{ fingerprint: 'ab'.repeat(32), names: [host], issuer: 'CA', source: 'own' as const },
    ...{ notBefore: '2026-11-01T00:00:00.000Z', notAfter: '2027-11-01T00:00:00.000Z' },
  };
  const id = domainIdOf(host);
  await api.platform.given('certificate', id, {
    ...{ type: 'InstallCertificate', domain: host, certificate },
  });
  await dns.serve(recordIn((await add(ben, 'bens', host).expect(409)).body.detail as string));
  await add(ben, 'bens', host).expect(200);
  expect(api.platform.api.world.get('certificate', id).state.status).toBe('none');
});

it('is written down once however often it is looked for, and the answer says when', async () => {
  await dns.serve({});
  const { body } = await add(ann, 'anns', 'often.example').expect(200);
  const head = await api.platform.api.log.head();
  await checked(ann, 'anns', 'often.example');
  const { lookedAt } = await checked(ann, 'anns', 'often.example');
  expect(await api.platform.api.log.head()).toBe(head);
  expect(Date.parse(lookedAt)).toBeGreaterThan(Date.parse((body as Shown).ownership.lookedAt));
});

it('is looked for beside others, so many at once, and takes its certificate along when it lapses', async () => {
  const hosts = Array.from({ length: 40 }, (_, i) => `many${i}.example`);
  const { world } = api.platform.api;
  const appId = world.appByName('anns')?.appId ?? '';
  const { teamId = '' } = world.app(appId) ?? {};
  const proof = { since: '2026-01-01T00:00:00.000Z', until: '2026-01-08T00:00:00.000Z' };
  for (const host of hosts) {
    const reserve = { type: 'ReserveDomain', host, appId, teamId, proof } as const;
    await api.platform.given('domain', domainIdOf(host), reserve);
    await api.platform.given('app', appId, { type: 'AddDomain', host });
  }
  const [host = ''] = hosts;
  const certificate = {
    ...{ fingerprint: 'cd'.repeat(32), names: [host], issuer: 'CA', source: 'own' as const },
    ...{ notBefore: '2026-11-01T00:00:00.000Z', notAfter: '2027-11-01T00:00:00.000Z' },
  };
  const install = { type: 'InstallCertificate', domain: host, certificate } as const;
  await api.platform.given('certificate', domainIdOf(host), install);
  let now = 0;
  let most = 0;
  const at = async () => {
    now += 1;
    most = Math.max(most, now);
    // Until as many are under way as may be.
    while (most < 16) await new Promise(setImmediate);
    now -= 1;
    return { kind: 'none' } as const;
  };
  const ownership = await Ownership.open(pathsOf(api.home).domainKey, { at });
  await checkDomains({ context: api.platform.api, ownership, now: () => new Date() });
  expect(most).toBe(16);
  expect(
    hosts.filter((one) => world.get('domain', domainIdOf(one)).state.status !== 'free'),
  ).toEqual([]);
  expect(world.get('certificate', domainIdOf(host)).state.status).toBe('none');
});

it('stays with whoever proves it, too, and takes hosts of the own team as they are', async () => {
  await dns.serve({});
  const { body } = await add(ann, 'anns', 'both.example').expect(200);
  const { record } = (body as Shown).ownership;
  const refused = await add(ben, 'bens', 'both.example/x').expect(409);
  await dns.serve({
    [record.name]: [record.value, ...Object.values(recordIn(refused.body.detail as string)).flat()],
  });
  const again = await add(ben, 'bens', 'both.example/x').expect(409);
  expect(again.body.detail).toContain('They prove that it is theirs, too');
  await add(ann, 'anns2', 'both.example/x').expect(200);
  await add(ann, 'anns2', '*.both.example').expect(200);
});

it('is looked for again and again, and given up when it was not proven in time', async () => {
  await dns.serve({});
  const { body } = await add(ann, 'anns', 'slow.example').expect(200);
  await add(ann, 'anns', 'never.example').expect(200);
  const { record } = (body as Shown).ownership;
  await dns.serve({ [record.name]: [record.value] });
  const records = new DnsTxtRecords(dns.address);
  const ownership = await Ownership.open(pathsOf(api.home).domainKey, records);
  const after = (days: number) =>
    checkDomains({
      context: api.platform.api,
      ownership,
      now: () => new Date(Date.now() + days * 24 * 60 * 60_000),
    });
  await after(1);
  expect((await domainsOf(ann, 'anns')).get('slow.example')?.ownership.status).toBe('verified');
  expect((await domainsOf(ann, 'anns')).get('never.example')?.ownership.status).toBe('failed');
  await after(8);
  await expect.poll(async () => (await domainsOf(ann, 'anns')).has('never.example')).toBe(false);
  expect((await domainsOf(ann, 'anns')).has('slow.example')).toBe(true);
});

it('is not given up where nobody looked in time, nor where DNS is silent', async () => {
  await dns.serve({});
  const { body } = await add(ann, 'anns', 'late.example').expect(200);
  await add(ann, 'anns', 'unheard.example').expect(200);
  const { record } = (body as Shown).ownership;
  const { domainKey } = pathsOf(api.home);
  const after8Days = async (records: TxtRecords) =>
    checkDomains({
      context: api.platform.api,
      ownership: await Ownership.open(domainKey, records),
      now: () => new Date(Date.now() + 8 * 24 * 60 * 60_000),
    });
  await after8Days({ at: () => Promise.resolve({ kind: 'unknown', reason: 'silence' }) });
  expect([...(await domainsOf(ann, 'anns')).keys()]).toEqual(
    expect.arrayContaining(['late.example', 'unheard.example']),
  );
  await dns.serve({ [record.name]: [record.value] });
  await after8Days(new DnsTxtRecords(dns.address));
  await expect.poll(async () => (await domainsOf(ann, 'anns')).has('unheard.example')).toBe(false);
  const late = (await domainsOf(ann, 'anns')).get('late.example');
  expect(late?.ownership.status).toBe('verified');
});
