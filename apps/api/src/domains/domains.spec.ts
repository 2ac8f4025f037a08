import { changesAfter } from '@shiplog/events/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../testing/start-test-api.js';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
  for (const name of ['one', 'two']) await api.call('post', '/v1/apps').send({ name }).expect(201);
});
afterAll(() => api.stop());

const add = (app: string, host: string) =>
  api.call('put', `/v1/apps/${app}/domains/${encodeURIComponent(host)}`);

it('adds a host, lists it after the default one, and removes it', async () => {
  const added = await add('one', 'WWW.Example.com').expect(200);
  expect(added.body).toMatchObject({ host: 'www.example.com', kind: 'custom' });
  await add('one', 'www.example.com').expect(200);
  const listed = await api.call('get', '/v1/apps/one/domains').expect(200);
  expect(listed.body).toMatchObject([{ host: 'one.localhost' }, { host: 'www.example.com' }]);
  await api.call('delete', '/v1/apps/one/domains/www.example.com').expect(200);
  const again = await api.call('delete', '/v1/apps/one/domains/www.example.com').expect(404);
  expect(again.body.code).toBe('domain-not-on-app');
});

it("refuses somebody else's host, until it is given back", async () => {
  await add('one', 'shop.example.com').expect(200);
  const refused = await add('two', 'shop.example.com').expect(409);
  expect(refused.body).toMatchObject({ code: 'domain-taken', host: 'shop.example.com' });
  await api.call('delete', '/v1/apps/one/domains/shop.example.com').expect(200);
  await add('two', 'shop.example.com').expect(200);
});

it('holds no host for a request that is repeated after the host was given back', async () => {
  const sent = () => add('one', 'late.example.com').set('Idempotency-Key', 'late');
  const first = await sent().expect(200);
  await api.call('delete', '/v1/apps/one/domains/late.example.com').expect(200);
  const head = await api.platform.api.log.head();
  expect((await sent().expect(200)).body).toEqual(first.body);
  const changes = await changesAfter(api.platform.api.log, head);
  expect(changes.filter(({ commit }) => commit.actor.kind === 'user')).toEqual([]);
});

it('gives the host of a destroyed app to the next one', async () => {
  await api.call('post', '/v1/apps').send({ name: 'old' }).expect(201);
  await add('old', 'old.example.com').expect(200);
  await api.call('delete', '/v1/apps/old?confirm=old').expect(200);
  await add('one', 'old.example.com').expect(200);
});

it("refuses the platform's own hosts, of apps that are and of apps that are not yet", async () => {
  for (const host of ['two.localhost', 'one.localhost', 'later.localhost']) {
    const refused = await add('one', host).expect(422);
    expect(refused.body.code).toBe('domain-of-platform');
  }
  await add('one', 'deep.down.localhost').expect(200);
});

it('refuses what is no host name, and says what would be', async () => {
  const table: [string, string][] = [
    ['example', 'such as www.example.com'],
    ['ex ample.com', 'such as www.example.com'],
    ['a.com\nb.com', 'such as www.example.com'],
    ['$(id).example.com', 'such as www.example.com'],
    ['-a.example.com', 'such as www.example.com'],
    ['example.com.', 'such as www.example.com'],
    ['example.com:80', 'such as www.example.com'],
    ['"example.com"', 'such as www.example.com'],
    ['ex%61mple.com', 'such as www.example.com'],
    [`${'a'.repeat(64)}.com`, 'such as www.example.com'],
    [`${'a.'.repeat(126)}com`, 'such as www.example.com'],
    ['127.0.0.1', 'address'],
    ['1.2.3.4', 'address'],
    ['*', 'wildcard'],
    ['*.com', 'such as www.example.com'],
    ['a.*.example.com', 'wildcard'],
    ['*.*.example.com', 'wildcard'],
    ['w*.example.com', 'wildcard'],
    [`*.${'a.'.repeat(8)}com`, 'wildcard'],
    ['example.com/', 'such as /api/v2'],
    ['example.com/a/../b', 'such as /api/v2'],
    ['example.com/a b', 'such as /api/v2'],
    ['example.com/%2e', 'such as /api/v2'],
    ['example.com/a\n', 'such as /api/v2'],
    ['xn--a.example.com', 'internationalised'],
    ['раypal.com', 'mixes scripts'],
    ['xn--ypal-43d9g.com', 'mixes scripts'],
    ['аррӏе.com', 'look as if they were'],
    ['bü\u202echer.example', 'such as www.example.com'],
  ];
  for (const [host, hint] of table) {
    const refused = await add('one', host).expect(400);
    expect(refused.body.detail, host).toContain(hint);
    expect(refused.body.errors[0].path).toBe('path.host');
  }
});

const domainsOf = async (app: string) => {
  const { body } = await api.call('get', `/v1/apps/${app}/domains`).expect(200);
  return new Map((body as { host: string }[]).map((one) => [one.host, one]));
};

it('takes wildcards and paths, one app for each', async () => {
  await add('one', '*.wild.example').expect(200);
  const added = await add('two', 'Wild.example/API').send({ strip: true }).expect(200);
  expect(added.body).toMatchObject({ host: 'wild.example/API', strip: true, redirect: null });
  expect(added.body.url).toMatch(/^http:\/\/wild\.example(?::\d+)?\/API$/);
  const taken = await add('one', 'wild.example/API').expect(409);
  expect(taken.body.code).toBe('domain-taken');
  await add('one', 'wild.example/API/v2').expect(200);
  expect((await domainsOf('two')).get('wild.example/API')).toMatchObject({ strip: true });
  for (const [url, domain] of [
    ['https://a.b.wild.example/x?y', '*.wild.example'],
    ['wild.example/API/v1', 'wild.example/API'],
  ] as const) {
    const why = await api.call('get', `/v1/why?of=${encodeURIComponent(url)}`).expect(200);
    expect(JSON.stringify(why.body)).toContain(`domain ${domain} added`);
  }
  const strip = await add('one', 'wild.example').send({ strip: true }).expect(422);
  expect(strip.body.errors[0].path).toBe('body.strip');
});

it('takes names in any script, and shows them both ways', async () => {
  const added = await add('one', '*.BÜCHER.example/lesen').expect(200);
  expect(added.body).toMatchObject({
    host: '*.xn--bcher-kva.example/lesen',
    unicode: '*.bücher.example/lesen',
  });
  expect((await add('one', 'xn--bcher-kva.example').expect(200)).body.unicode).toBe(
    'bücher.example',
  );
  for (const name of [
    '日本語のドメイン.example',
    'пример.example',
    'straße.example',
    'ＷＩＤＥ。example',
  ]) {
    const { host } = (await add('one', name).expect(200)).body as { host: string };
    expect(host).toMatch(/^[a-z0-9.-]+$/);
    await api.call('delete', `/v1/apps/one/domains/${encodeURIComponent(name)}`).expect(200);
    expect((await domainsOf('one')).has(host)).toBe(false);
  }
});

it('redirects, and changes what is done with a domain', async () => {
  const redirect = { to: 'Neu.example', status: 302 };
  const added = await add('one', 'alt.example').send({ redirect }).expect(200);
  expect(added.body.redirect).toEqual({ to: 'neu.example', status: 302 });
  await add('one', 'alt.example')
    .send({ redirect: { to: 'neu.example' } })
    .expect(200);
  expect((await domainsOf('one')).get('alt.example')).toMatchObject({
    redirect: { to: 'neu.example', status: 308 },
  });
  await add('one', 'alt.example').expect(200);
  expect((await domainsOf('one')).get('alt.example')).toMatchObject({ redirect: null });
  for (const to of [
    'http://neu.example',
    'neu.example/x',
    'neu.example:80',
    'a\r\nX: y',
    '*.neu.example',
  ]) {
    const refused = await add('one', 'alt.example').send({ redirect: { to } }).expect(400);
    expect(refused.body.errors[0].path).toBe('body.redirect.to');
  }
});

it('brings the sister with or without www along, or neither of the two', async () => {
  await add('one', 'sister.example').send({ www: 'redirect' }).expect(200);
  await add('one', 'www.brother.example').send({ www: 'serve' }).expect(200);
  const domains = await domainsOf('one');
  expect(domains.get('www.sister.example')).toMatchObject({
    redirect: { to: 'sister.example', status: 308 },
  });
  expect(domains.get('brother.example')).toMatchObject({ redirect: null });
  await add('two', 'www.cousin.example').expect(200);
  expect((await add('one', 'cousin.example').send({ www: 'serve' }).expect(409)).body.code).toBe(
    'domain-taken',
  );
  await add('two', 'cousin.example').expect(200);
  for (const host of ['*.cousin.example', 'cousin.example/x']) {
    const refused = await add('two', host).send({ www: 'serve' }).expect(422);
    expect(refused.body.errors[0].path).toBe('body.www');
  }
});

it('refuses redirects that lead back to where they began, also over other apps', async () => {
  const to = (host: string) => ({ redirect: { to: host } });
  await add('one', 'here.example').send(to('there.example')).expect(200);
  const refused = await add('two', 'there.example').send(to('here.example')).expect(422);
  expect(refused.body).toMatchObject({
    code: 'redirect-loop',
    way: ['there.example', 'here.example', 'there.example'],
  });
  expect((await domainsOf('two')).has('there.example')).toBe(false);
  await add('one', 'there.example').expect(200);
  const own = await add('two', '*.round.example').send(to('www.round.example')).expect(422);
  expect(own.body.code).toBe('redirect-loop');
});
