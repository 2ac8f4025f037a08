import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { START } from '@shiplog/events';
import { startTestApi, type TestApi } from '../testing/start-test-api.js';

let api: TestApi;
let bob: string;
beforeAll(async () => {
  api = await startTestApi();
  bob = await api.addUser('bob');
});
afterAll(() => api.stop());

interface Entry {
  readonly [field: string]: unknown;
  readonly sequence: string;
  readonly correlation: string;
}
interface Page {
  readonly entries: Entry[];
  readonly next: string | null;
}

const audit = async (query = '', token = api.token): Promise<Page> => {
  const { body } = await api.call('get', `/v1/audit${query}`, token).expect(200);
  return body as Page;
};

/** What was refused or read is written a moment later. */
const eventually = async (query: string, wanted: object, token = api.token): Promise<Entry> => {
  let found: Entry | undefined;
  await expect
    .poll(
      async () => {
        const { entries } = await audit(query, token);
        found = entries.find((entry) =>
          Object.entries(wanted).every(
            ([field, value]) => JSON.stringify(entry[field]) === JSON.stringify(value),
          ),
        );
        return found;
      },
      { timeout: 20_000 },
    )
    .toBeDefined();
  return found!;
};

const allBytes = async (): Promise<string> =>
  (await api.platform.api.log.readStored(START, 100_000))
    .map(({ bytes }) => Buffer.from(bytes).toString('utf8'))
    .join('\n');

describe('the audit', () => {
  it('tells who did what, when, from where and why', async () => {
    await api
      .call('post', '/v1/apps')
      .set('Shiplog-Reason', 'opening%20day')
      .set('User-Agent', 'shiplog-test/7')
      .send({ name: 'shop' })
      .expect(201);
    const { entries } = await audit('?app=shop');
    expect(entries).toHaveLength(2);
    expect(entries[0]).toMatchObject({
      outcome: 'done',
      actions: ['AppCreated'],
      actor: 'admin',
      actorKind: 'user',
      token: 'first administrator',
      address: '127.0.0.1',
      userAgent: 'shiplog-test/7',
      app: 'shop',
      reason: 'opening day',
      count: 1,
      code: null,
    });
    // The name and the app were one request.
    expect(entries[1]).toMatchObject({ actions: ['NameReserved'] });
    expect(entries[1]?.correlation).toBe(entries[0]?.correlation);
    const oldest = await audit('?app=shop&order=oldest');
    expect(oldest.entries).toEqual(entries.toReversed());
    const bytes = await allBytes();
    expect(bytes).toContain('opening day');
    expect(bytes).not.toContain('127.0.0.1');
    expect(bytes).not.toContain('shiplog-test/7');
  });

  it('filters by person, app, type, outcome, time and request, and pages without gaps', async () => {
    await api.call('post', '/v1/apps', bob).send({ name: 'bobs' }).expect(201);
    for (let i = 1; i <= 5; i += 1) {
      const set = { [`KEY_${i}`]: 'x' };
      await api.call('patch', '/v1/apps/bobs/config', bob).send({ set }).expect(200);
    }
    const since = (await audit('?actor=bob&type=AppCreated')).entries[0]?.sequence;
    const all = (await audit(`?actor=bob&app=bobs&type=ConfigChanged&since=${since}`)).entries;
    expect(all.map(({ keys }) => keys)).toEqual([5, 4, 3, 2, 1].map((i) => [`KEY_${i}`]));
    for (const order of ['newest', 'oldest']) {
      const paged: Entry[] = [];
      let cursor = '';
      for (;;) {
        const page = await audit(`?app=bobs&type=ConfigChanged&limit=2&order=${order}${cursor}`);
        paged.push(...page.entries);
        if (page.next === null) break;
        cursor = `&cursor=${page.next}`;
      }
      expect(paged).toEqual(order === 'newest' ? all : all.toReversed());
    }
    const one = all[2];
    expect((await audit(`?correlation=${one?.correlation}`)).entries).toEqual([one]);
    expect((await audit(`?app=bobs&until=${since}`)).entries).toHaveLength(2);
    expect((await audit(`?app=bobs&since=${String(one?.['time'])}`)).entries).toContainEqual(one);
    expect((await audit('?app=bobs&until=2999-01-01')).entries).toHaveLength(7);
    expect((await audit('?app=bobs&outcome=rejected,denied')).entries).toEqual([]);
    await api.call('get', '/v1/audit?outcome=sunny').expect(400);
    await api.call('get', '/v1/audit?type=a%20b').expect(400);
    await api.call('get', '/v1/audit?since=yesterday').expect(422);
    await api.call('get', '/v1/audit?app=nobodys').expect(404);
  });

  it('shows what processes did where it is asked for', async () => {
    expect((await audit()).entries.every(({ actorKind }) => actorKind !== 'process')).toBe(true);
    const first = (await audit('?actor=api&order=oldest')).entries[0];
    expect(first).toMatchObject({ actor: 'api', actions: ['TeamCreated'], address: null });
    expect((await audit('?by=all&order=oldest')).entries[0]).toEqual(first);
  });

  it('shows members what is of their teams and of themselves, and addresses only their own', async () => {
    const { entries } = await audit('?limit=1000', bob);
    expect(entries.length).toBeGreaterThan(5);
    expect(entries.every(({ app, actor }) => app === 'bobs' || actor === 'bob')).toBe(true);
    expect(entries[0]).toMatchObject({ address: '127.0.0.1' });
    // An administrator changes bob's app: bob sees that, and not from where.
    const set = { ADMINS: '1' };
    await api.call('patch', '/v1/apps/bobs/config').send({ set }).expect(200);
    const theirs = (await audit('?app=bobs&actor=admin', bob)).entries[0];
    expect(theirs).toMatchObject({ actor: 'admin', address: null, userAgent: null });
    await api.call('get', '/v1/audit?app=shop', bob).expect(404);
  });

  it('has what was refused: by the rules, for somebody faster, for want of a right', async () => {
    await api
      .call('patch', '/v1/apps/shop/formation')
      .set('Shiplog-Reason', 'rush%20hour')
      .send({ web: 3 })
      .expect(422);
    expect(
      await eventually('?outcome=rejected&app=shop', { code: 'nothing-deployed' }),
    ).toMatchObject({
      actions: ['scaleApp'],
      actor: 'admin',
      address: '127.0.0.1',
      app: 'shop',
      target: 'shop',
      reason: 'rush hour',
      outcome: 'rejected',
    });
    await api
      .call('patch', '/v1/apps/shop/config')
      .set('If-Match', `"${'0'.repeat(19)}1"`)
      .send({ set: { PASSWORD: 'hunter2' } })
      .expect(412);
    await eventually('?outcome=conflict', { code: 'revision-conflict', actions: ['changeConfig'] });
    await api.call('post', '/v1/rebuild', bob).send({}).expect(403);
    await eventually('?outcome=denied', { code: 'not-administrator', actor: 'bob' });
    // To bob there is no such app; to the audit there is.
    await api.call('get', '/v1/apps/shop/config', bob).expect(404);
    const hidden = await eventually('?outcome=denied&app=shop', { code: 'app-not-found' });
    expect(hidden).toMatchObject({ actor: 'bob', app: 'shop', actions: ['listConfig'] });
    // An app that nobody has is no secret that bob was kept from.
    await api.call('get', '/v1/apps/no-such-app/config', bob).expect(404);
    expect(await allBytes()).not.toMatch(/hunter2|no-such-app/);
  });

  it('tells a revoked token from one that never was, and of strangers only from where they came', async () => {
    const created = await api.call('post', '/v1/tokens', bob).send({ name: 'lost' }).expect(201);
    const { id, token } = created.body as { id: string; token: string };
    await api.call('delete', `/v1/tokens/${id}`, bob).expect(200);
    await api.call('get', '/v1/apps', token).expect(401);
    expect(await eventually('?outcome=denied&actor=bob', { code: 'token-revoked' })).toMatchObject({
      token: 'lost',
    });
    const wrong = `shp_${'w'.repeat(43)}`;
    await api.call('delete', '/v1/apps/shop?confirm=shop', wrong).expect(401);
    expect(await eventually('?outcome=denied', { code: 'token-unknown' })).toMatchObject({
      actor: null,
      address: '127.0.0.1',
      target: null,
      app: null,
    });
    const bytes = await allBytes();
    expect(bytes).not.toContain(wrong);
    expect(bytes).not.toContain(createHash('sha256').update(wrong).digest('hex'));
  });

  it('has who was shown which secrets', async () => {
    await api.call('get', '/v1/apps/bobs/config/KEY_1').expect(200);
    const read = await eventually('?outcome=read', { actor: 'admin', keys: ['KEY_1'] });
    expect(read).toMatchObject({ app: 'bobs', address: '127.0.0.1', actions: ['SecretsRead'] });
    const { body } = await api.call('get', '/v1/events?type=SecretsRead').expect(200);
    expect(JSON.stringify(body)).toContain('KEY_1');
    expect(JSON.stringify(body)).not.toContain('enc1.');
    const theirs = await api.call('get', '/v1/events?type=SecretsRead', bob).expect(200);
    expect(theirs.body.events).toEqual([]);
    expect(await eventually('?outcome=read', { actor: 'admin' }, bob)).toMatchObject({
      address: null,
    });
  });

  it('grows by little, whatever is thrown at it, and holds nobody up', async () => {
    const before = (await api.platform.api.log.readStored(START, 100_000)).length;
    const head = await api.platform.api.log.head();
    const sent = 1_000;
    const startedMs = performance.now();
    let left = sent;
    const flood = async (): Promise<void> => {
      while ((left -= 1) >= 0) {
        const token = left % 2 === 0 ? `shp_${String(left).padStart(43, 'x')}` : bob;
        // A user agent makes nothing different, another app does.
        const answer = await fetch(`${api.url}/v1/apps/none-${left}/restart`, {
          method: 'POST',
          headers: { Authorization: `Bearer ${token}`, 'User-Agent': `bad ${left}` },
        });
        await answer.arrayBuffer();
      }
    };
    await Promise.all(Array.from({ length: 16 }, flood));
    // Nothing goes uncounted: what is not told one by one is told as a number.
    const seen = async (): Promise<Entry[]> =>
      (await audit(`?since=${head}-9999&outcome=denied,rejected,unlisted&limit=1000`)).entries;
    await expect
      .poll(async () => (await seen()).reduce((sum, { count }) => sum + Number(count), 0), {
        timeout: 20_000,
      })
      .toBe(sent);
    const seconds = (performance.now() - startedMs) / 1000;
    const after = (await api.platform.api.log.readStored(START, 100_000)).length;
    expect(after - before).toBeLessThanOrEqual(11 + Math.ceil(seconds / 10));
    const unlisted = (await seen()).filter(({ outcome }) => outcome === 'unlisted');
    expect(unlisted[0]).toMatchObject({ actor: null, actions: ['CommandsRefused'] });
    expect((await audit('?outcome=unlisted', bob)).entries).toEqual([]);
    await api
      .call('patch', '/v1/apps/bobs/config')
      .send({ set: { STILL: 'here' } })
      .expect(200);
  }, 60_000);
});
