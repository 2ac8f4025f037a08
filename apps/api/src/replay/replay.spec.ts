import { setImmediate as breathe } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { startTestApi, type TestApi } from '../testing/start-test-api.js';

interface ReplayBody {
  readonly at: string;
  readonly apps: readonly { readonly name: string; readonly configKeys: number }[];
  readonly diff: {
    readonly from: string;
    readonly to: string;
    readonly commits: number;
    readonly changes: readonly Readonly<Record<string, string | null>>[];
  } | null;
}

let api: TestApi;
let ben: string;
let early: string;
let late: string;
beforeAll(async () => {
  api = await startTestApi();
  ben = await api.addUser('ben');
  await api.call('post', '/v1/apps', ben).send({ name: 'ledger' }).expect(201);
  early = await api.platform.api.log.head();
  await api.deployed('shop');
  await api
    .call('patch', '/v1/apps/shop/config')
    .set('Shiplog-Reason', 'new%20colours')
    .send({ set: { COLOUR: 'top-secret-blue' } })
    .expect(200);
  await api.call('put', '/v1/apps/ledger/domains/www.example.com', ben).send({}).expect(200);
  late = await api.platform.api.log.head();
  await api.call('delete', '/v1/apps/shop?confirm=shop').expect(200);
});
afterAll(() => api.stop());

afterEach(() => vi.restoreAllMocks());

const replay = async (query: string, token?: string): Promise<ReplayBody> =>
  (await api.call('get', `/v1/replay?${query}`, token).expect(200)).body as ReplayBody;
const textOf = ({ diff }: ReplayBody): string[] =>
  (diff?.changes ?? []).map(({ change, kind, app, name }) => `${change} ${kind} ${app} ${name}`);

describe('replay', () => {
  it('shows the platform as it was at a moment', async () => {
    const then = await replay(`at=${early}`);
    expect(then.diff).toBeNull();
    expect(then.apps.map(({ name }) => name)).toEqual(['ledger']);
    const later = await replay(`at=${late}`);
    expect(later.apps).toMatchObject([
      { name: 'ledger', domains: ['www.example.com'] },
      { name: 'shop', configKeys: 1, stopped: false },
    ]);
    expect((await replay('')).apps.map(({ name }) => name)).toEqual(['ledger']);
  });

  it('tells what changed, by whom and why, and no value of config', async () => {
    const there = await replay(`at=${early}&diff=${late}`);
    expect(textOf(there)).toEqual(
      expect.arrayContaining([
        'added app shop shop',
        'added release shop v1',
        'added live shop live release',
        'added config shop COLOUR',
        'added domain ledger www.example.com',
      ]),
    );
    const colour = there.diff?.changes.find(({ name }) => name === 'COLOUR');
    expect(colour).toMatchObject({ by: 'admin', reason: 'new colours', from: null, to: null });
    expect(JSON.stringify(there)).not.toMatch(/top-secret|enc1/);
    expect(there.diff?.commits).toBe(Number(late) - Number(early));
  });

  it('puts the earlier moment first, whichever was asked for', async () => {
    const there = await replay(`at=${early}&diff=${late}`);
    const back = await replay(`at=${late}&diff=${early}`);
    expect(back.diff).toEqual(there.diff);
    expect(back.at).toBe(there.diff?.to);
  });

  it('compares with now where one moment is given', async () => {
    const gone = await replay(`diff=${late}`);
    expect(textOf(gone)).toContain('removed app shop shop');
    expect(gone.diff?.from.slice(0, 20)).toBe(late);
  });

  it('shows people what is of their teams, and of their own', async () => {
    const theirs = await replay(`at=0&diff=${late}`, ben);
    expect(theirs.diff?.changes.map(({ app }) => app)).not.toContain('shop');
    expect(textOf(theirs)).toEqual([
      'added team null team-ben',
      'added person null ben',
      'added member null ben of team-ben',
      'added token null laptop',
      'added app ledger ledger',
      'added domain ledger www.example.com',
    ]);
    expect((await replay(`at=${late}`, ben)).apps.map(({ name }) => name)).toEqual(['ledger']);
    await api.call('get', `/v1/replay?at=${late}&app=shop`, ben).expect(404);
  });

  it('shows one app, also one that is gone by now', async () => {
    const one = await replay(`at=${early}&diff=${late}&app=shop`);
    expect(new Set(one.diff?.changes.map(({ app }) => app))).toEqual(new Set(['shop']));
    expect(textOf(await replay(`diff=${late}&app=shop`))).toContain('removed app shop shop');
    await api.call('get', `/v1/replay?at=${early}&diff=${late}&app=nope`).expect(404);
  });

  it('refuses moments that are none, and changes nothing', async () => {
    const head = await api.platform.api.log.head();
    for (const query of ['diff=yesterday-ish', 'diff=999999', 'at=1&diff=2999-01-01']) {
      const refused = await api.call('get', `/v1/replay?${query}`);
      expect([refused.status, refused.body.code]).toEqual([422, 'moment-unknown']);
    }
    await replay(`at=${early}&diff=${late}`);
    // What others were refused before may be written down meanwhile.
    const since = await api.platform.api.log.readAfter(head, 100);
    expect(since.filter(({ commit }) => !commit.stream.startsWith('audit.'))).toEqual([]);
  });
});

describe('a comparison of a long stretch', () => {
  const long = (to: string) => `at=0&diff=${to}`;
  /** Commit by commit; where it reads is noted, and `before` can hold it. */
  const slowly = (before: (after: string) => Promise<void> | void = () => undefined) => {
    const { log } = api.platform.api;
    const { readAfter } = log;
    const reads: number[] = [];
    vi.spyOn(log, 'readAfter').mockImplementation(async (after) => {
      reads.push(Number(after));
      await before(after);
      await breathe();
      return readAfter.call(log, after, 1);
    });
    return reads;
  };
  const upTo = (end: string) => Array.from({ length: Number(end) }, (_, n) => n);

  it('ends when the caller goes away', async () => {
    // Both moments are at hand: what is read from now on is what lies between them.
    await replay(long(late));
    let letGo = (): void => undefined;
    const held = new Promise<void>((resolve) => (letGo = resolve));
    const reads = slowly(() => held);
    const gone = new AbortController();
    const asked = fetch(`${api.url}/v1/replay?${long(late)}`, {
      headers: { authorization: `Bearer ${api.token}` },
      signal: gone.signal,
    });
    await expect.poll(() => reads).toEqual([0]);
    gone.abort();
    await expect(asked).rejects.toThrow('aborted');
    // The server has noticed by the time it answers the next one.
    await api.call('get', '/v1/apps').expect(200);
    letGo();
    // Its turn comes when the other one has given up.
    await replay(`at=${early}&diff=${early}`);
    expect(reads).toEqual([0]);
  });

  it('waits until the one before it is done', async () => {
    await replay(long(late));
    await replay(long(early));
    const reads = slowly();
    const [one, other] = await Promise.all([replay(long(late)), replay(long(early))]);
    expect([one.diff?.commits, other.diff?.commits]).toEqual([Number(late), Number(early)]);
    expect([
      [...upTo(late), ...upTo(early)],
      [...upTo(early), ...upTo(late)],
    ]).toContainEqual(reads);
  });
});
