import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { selfSigned } from '@shiplog/secrets/self-signed';
import { pathsOf } from '@shiplog/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseCertificate } from './parse-certificate.js';
import { startTestApi, type TestApi } from '../testing/start-test-api.js';

let api: TestApi;
beforeAll(async () => (api = await startTestApi()));
afterAll(() => api.stop());

const DAY = 86_400_000;
const made = (names: readonly string[], fromDays = -1, toDays = 30) =>
  selfSigned({
    names,
    notBefore: new Date(Date.now() + fromDays * DAY),
    notAfter: new Date(Date.now() + toDays * DAY),
  });
const put = async (domain: string, pair: { chain: string; privateKey: string }, token?: string) =>
  api
    .call('put', `/v1/certificates/${domain}`, token)
    .send({ certificate: pair.chain, privateKey: pair.privateKey });

describe('an own certificate', () => {
  it('is kept with its key encrypted, and the log has none of it', async () => {
    const pair = await made(['shop.example.com']);
    const { body } = await put('Shop.example.com', pair);
    expect(body).toMatchObject({
      ...{ domain: 'shop.example.com', source: 'own', names: ['shop.example.com'] },
      ...{ fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/), failure: null, renewAt: null },
    });
    const listed = await api.call('get', '/v1/certificates').expect(200);
    expect(listed.body).toContainEqual(expect.objectContaining({ domain: 'shop.example.com' }));

    const keyText = pair.privateKey.split('\n')[1] ?? '';
    expect(keyText.length).toBeGreaterThan(40);
    const log = JSON.stringify(await api.platform.api.log.readAfter('0'.repeat(20), 10_000));
    expect(log).toContain(body.fingerprint);
    const { certificates } = pathsOf(api.home);
    const names = await readdir(certificates);
    const files = await Promise.all(
      names.map((name) => readFile(join(certificates, name), 'utf8')),
    );
    for (const text of [log, listed.text, ...files]) expect(text).not.toContain(keyText);
    expect(names).toEqual([`${body.fingerprint}.json`]);
  });

  it('takes the place of the one before, once for one request', async () => {
    const first = await made(['again.example.com']);
    await put('again.example.com', first);
    const head = await api.platform.api.log.head();
    expect((await put('again.example.com', first)).status).toBe(200);
    expect(await api.platform.api.log.head()).toBe(head);
    const next = (await put('again.example.com', await made(['again.example.com']))).body;
    const shown = await api.call('get', '/v1/certificates/again.example.com').expect(200);
    expect(shown.body.fingerprint).toBe(next.fingerprint);
  });

  it('is removed, and then there is none', async () => {
    await put('gone.example.com', await made(['gone.example.com']));
    await api.call('delete', '/v1/certificates/gone.example.com').expect(200);
    const again = await api.call('delete', '/v1/certificates/gone.example.com').expect(404);
    expect(again.body.code).toBe('certificate-not-found');
    await api.call('get', '/v1/certificates/gone.example.com').expect(404);
  });

  it('for a wildcard serves one label', async () => {
    const { body } = await put('*.wild.example.com', await made(['*.wild.example.com']));
    expect(body.domain).toBe('*.wild.example.com');
  });
});

describe('an own certificate of a name that is given back', () => {
  const host = 'brought.example.com';
  const add = (app: string, domain: string) =>
    api.call('put', `/v1/apps/${app}/domains/${encodeURIComponent(domain)}`).expect(200);
  const has = async (domain = host) =>
    (await api.call('get', `/v1/certificates/${domain}`)).status === 200;
  const create = (name: string) => api.call('post', '/v1/apps').send({ name }).expect(201);

  it('goes with the last domain of its host', async () => {
    await create('giver');
    await add('giver', host);
    await add('giver', `${host}/api`);
    await put(host, await made([host]));
    const remove = (domain: string) =>
      api.call('delete', `/v1/apps/giver/domains/${encodeURIComponent(domain)}`).expect(200);
    await remove(host);
    expect(await has()).toBe(true);
    await remove(`${host}/api`);
    expect(await has()).toBe(false);
    const head = (await api.platform.api.log.readAfter('0'.repeat(20), 10_000)).at(-2)?.commit;
    expect(head?.events).toMatchObject([{ type: 'CertificateRemoved', data: { domain: host } }]);
  });

  it('goes with its app, that of its default host, too', async () => {
    await create('doomed');
    await add('doomed', host);
    for (const one of [host, 'doomed.localhost']) await put(one, await made([one]));
    await api.call('delete', '/v1/apps/doomed?confirm=doomed').expect(200);
    await expect.poll(() => has()).toBe(false);
    await expect.poll(() => has('doomed.localhost')).toBe(false);
  });
});

it('names of a certificate are those that it has, whatever is written into one of them', async () => {
  const odd = 'a.example.com, DNS:evil.example.com';
  const pair = await made([odd, 'b.example.com', 'B2.example.com']);
  const given = { ...pair, source: 'own', nowMs: Date.now() } as const;
  expect(parseCertificate({ ...given, domain: 'b.example.com' }).facts.names).toEqual([
    'b.example.com',
    'b2.example.com',
  ]);
  for (const domain of ['evil.example.com', 'a.example.com'])
    expect(() => parseCertificate({ ...given, domain })).toThrow('it is for b.example.com');
});

describe('what cannot be served', () => {
  it.each([
    ['of another name', made(['a.example.com']), /it is for a\.example\.com, not for bad\./],
    ['expired', made(['bad.example.com'], -30, -1), /it expired on/],
    ['of the future', made(['bad.example.com'], 1, 2), /valid from .* on only/],
    [
      'no certificate',
      made([]).then((pair) => ({ ...pair, chain: 'x' })),
      /no certificate is in it/,
    ],
    [
      'with the key of another',
      Promise.all([made(['bad.example.com']), made(['bad.example.com'])]).then(([a, b]) => ({
        chain: a.chain,
        privateKey: b.privateKey,
      })),
      /not the key of this certificate/,
    ],
    [
      'with a key that has a passphrase',
      made(['bad.example.com']).then((pair) => ({
        ...pair,
        privateKey:
          '-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----',
      })),
      /passphrase: take it off/,
    ],
    [
      'in the wrong order',
      Promise.all([made(['bad.example.com']), made(['ca.example.com'])]).then(([a, b]) => ({
        chain: a.chain + b.chain,
        privateKey: a.privateKey,
      })),
      /certificate 1 of it is not signed by certificate 2/,
    ],
  ])('%s is refused, says why, and changes nothing', async (_what, pair, detail) => {
    const head = await api.platform.api.log.head();
    const answer = await put('bad.example.com', await pair);
    expect(answer.status).toBe(422);
    expect(answer.body).toMatchObject({ code: 'certificate-invalid' });
    expect(answer.body.detail).toMatch(detail);
    expect(await readdir(pathsOf(api.home).certificates)).not.toContain('bad');
    await api.call('get', '/v1/certificates/bad.example.com').expect(404);
    const after = await api.platform.api.log.readAfter(head, 100);
    expect(JSON.stringify(after)).not.toContain('CertificateInstalled');
  });

  it.each(['bad', 'a b.example.com', '*', '*.*.example.com', '..%2fetc', 'ex%0aample.com'])(
    'a domain "%s" is refused',
    async (domain) => {
      const answer = await put(encodeURIComponent(decodeURIComponent(domain)), await made(['a.b']));
      expect([400, 404]).toContain(answer.status);
    },
  );
});

describe('who may', () => {
  it('manage a certificate: the team of the app that answers there, and administrators', async () => {
    const ann = await api.addUser('ann');
    await api.call('post', '/v1/apps', ann).send({ name: 'anns' }).expect(201);
    const pair = await made(['anns.example.org']);
    const refused = await put('anns.example.org', pair, ann);
    expect(refused.body).toMatchObject({ status: 403, code: 'domain-not-yours' });
    await api.call('put', '/v1/apps/anns/domains/anns.example.org', ann).send({}).expect(200);
    expect((await put('anns.example.org', pair, ann)).status).toBe(200);

    const bob = await api.addUser('bob');
    expect((await put('anns.example.org', pair, bob)).status).toBe(403);
    await api.call('get', '/v1/certificates/anns.example.org', bob).expect(404);
    const listed = await api.call('get', '/v1/certificates', bob).expect(200);
    expect(listed.body).toEqual([]);
  });
});

describe('the https policy of an app', () => {
  it('redirects by default, and changes what is named', async () => {
    await api.call('post', '/v1/apps').send({ name: 'policy' }).expect(201);
    const path = '/v1/apps/policy/https';
    const shown = await api.call('get', path).expect(200);
    expect(shown.body).toEqual({ redirect: true, hstsSeconds: null });
    await api.call('patch', path).send({ hstsSeconds: 3600 }).expect(200);
    const changed = await api.call('patch', path).send({ redirect: false }).expect(200);
    expect(changed.body).toMatchObject({ redirect: false, hstsSeconds: 3600 });
    await api.call('patch', path).send({ hstsSeconds: -1 }).expect(422);
  });
});
