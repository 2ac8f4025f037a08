import { request as httpRequest, type IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../testing/start-test-api.js';
import type { CloudEvent } from './event-pages.js';

let api: TestApi;
let bob: string;
beforeAll(async () => {
  api = await startTestApi();
  await api.deployed('one', 2);
  bob = await api.addUser('bob');
  await api.call('post', '/v1/apps', bob).send({ name: 'bobs' }).expect(201);
});
afterAll(() => api.stop());

const page = async (query: string, token?: string) => {
  const { body } = await api.call('get', `/v1/events?${query}`, token).expect(200);
  return body as { events: CloudEvent[]; next: string; end: boolean };
};

describe('pages', () => {
  it('give the whole log as CloudEvents, in order, no commit split', async () => {
    const seen: CloudEvent[] = [];
    let after = '';
    for (;;) {
      const { events, next, end } = await page(`limit=3${after === '' ? '' : `&after=${after}`}`);
      const last = events.at(-1);
      if (last !== undefined) expect(last.sequence).toBe(next);
      seen.push(...events);
      after = next;
      if (end) break;
    }
    const sequences = seen.map(({ sequence }) => sequence);
    expect(sequences).toEqual([...new Set(sequences)].toSorted());
    const all = await page('limit=1000');
    expect(seen).toEqual(all.events);
    const created = seen.find(({ type }) => type === 'AppCreated');
    expect(created).toMatchObject({
      specversion: '1.0',
      source: '/platforms/shiplog',
      subject: `app/${String(created?.data['appId'])}`,
      actor: 'admin',
      data: { name: 'one' },
    });
    expect(created?.id).toMatch(/^[0-9a-f-]{36}:0$/);
  });

  it('go on inside of a commit when asked to', async () => {
    const { events } = await page('type=ReleaseCreated,FormationScaled&app=one');
    const first = events[0];
    expect(events.map(({ type }) => type).slice(0, 2)).toEqual([
      'ReleaseCreated',
      'FormationScaled',
    ]);
    const rest = await page(`after=${first?.sequence}&limit=1`);
    expect(rest.events[0]?.type).toBe('FormationScaled');
  });

  it('show one app, or one type, when asked to', async () => {
    const ofApp = await page('app=one&limit=1000');
    expect(new Set(ofApp.events.map(({ data }) => data['appId'])).size).toBe(1);
    const ofType = await page('type=AppCreated');
    expect(ofType.events.map(({ data }) => data['name'])).toEqual(['one', 'bobs']);
  });

  it('have at least one event, or would never end', async () => {
    const { body } = await api.call('get', '/v1/events?limit=0').expect(400);
    expect(body.errors).toEqual([
      { path: 'query.limit', message: 'a whole number from 1 to 1000.' },
    ]);
  });

  it('refuse a type that does not exist, instead of waiting for it', async () => {
    for (const path of ['/v1/events', '/v1/events/stream']) {
      const { body } = await api.call('get', `${path}?type=AppCreated,Appdestroyed`).expect(400);
      expect(body.errors).toMatchObject([{ path: 'query.type' }]);
      expect(body.detail).toContain('no event type "Appdestroyed"');
    }
  });

  it('show a team only what is its own', async () => {
    const { events } = await page('limit=1000', bob);
    expect(events.length).toBeGreaterThan(3);
    const teams = events.map(({ data }) => data['teamId']).filter((id) => id !== undefined);
    expect(new Set(teams)).toEqual(new Set(['team-bob']));
    expect(JSON.stringify(events)).not.toContain('"one"');
    expect(JSON.stringify(events)).not.toContain('"hash"');
    await api.call('get', '/v1/events?app=one', bob).expect(404);
  });
});

describe('tokens', () => {
  it('are shown to whom they belong from their beginning to their end', async () => {
    const mine = await api.call('post', '/v1/tokens', bob).send({ name: 'ci' }).expect(201);
    await api.call('delete', `/v1/tokens/${String(mine.body.id)}`, bob).expect(200);
    const push = await api.call('post', '/v1/apps/bobs/git-url', bob).send({}).expect(201);
    await api.call('delete', `/v1/tokens/${String(push.body.tokenId)}`, bob).expect(200);
    const typesOf = async (id: unknown, query: string) => {
      const { events } = await page(`limit=1000&${query}`, bob);
      return events.filter(({ data }) => data['tokenId'] === id).map(({ type }) => type);
    };
    const life = ['TokenCreated', 'TokenRevoked'];
    expect(await typesOf(mine.body.id, '')).toEqual(life);
    expect(await typesOf(mine.body.id, 'app=bobs')).toEqual([]);
    expect(await typesOf(push.body.tokenId, 'app=bobs')).toEqual(life);
  });

  it('of others are not shown', async () => {
    const { body } = await api.call('post', '/v1/tokens').send({ name: 'admins' }).expect(201);
    await api.call('delete', `/v1/tokens/${String(body.id)}`).expect(200);
    const { events } = await page('limit=1000', bob);
    expect(events.filter(({ data }) => data['tokenId'] === body.id)).toEqual([]);
  });
});

describe('a place that the log has not reached', () => {
  const far = '99999999999999999999-0000';

  it('is refused: going on from there would pass over what comes', async () => {
    const refusals = [
      ['query.after', await api.call('get', `/v1/events?after=${far}`)],
      ['query.after', await api.call('get', `/v1/events/stream?after=${far}`)],
      [
        'headers.last-event-id',
        await api.call('get', '/v1/events/stream').set('Last-Event-ID', far),
      ],
      ['query.settled', await api.call('get', `/v1/apps/one/progress?settled=${far}`)],
    ] as const;
    for (const [path, { status, body }] of refusals) {
      expect(status, path).toBe(422);
      expect(body).toMatchObject({ code: 'moment-unknown', errors: [{ path }] });
    }
  });

  it('is not the end of the log, whatever event of it is named', async () => {
    const { next } = await page('limit=1000');
    const last = `${next.slice(0, 20)}-9999`;
    expect(await page(`after=${last}`)).toEqual({ events: [], next: last, end: true });
  });
});

describe('the stream', () => {
  it('goes on exactly where it broke off', async () => {
    const everything = (await page('limit=1000')).events;
    const middle = everything[4]?.sequence ?? '';
    const stream = await openStream('', { 'Last-Event-ID': middle });
    const expected = everything.slice(5).map(({ sequence }) => sequence);
    expect((await stream.take(expected.length)).map(({ id }) => id)).toEqual(expected);

    await api.call('post', '/v1/apps').send({ name: 'live' }).expect(201);
    const [reserved, created] = await stream.take(2);
    expect([reserved?.event, created?.event]).toEqual(['NameReserved', 'AppCreated']);
    expect(JSON.parse(created?.data ?? '')).toMatchObject({ sequence: created?.id });
    stream.close();
  });

  it('begins now unless told otherwise, and filters', async () => {
    const stream = await openStream('?app=one&type=SettingsChanged,AppStopped');
    await api.call('post', '/v1/apps').send({ name: 'unrelated' }).expect(201);
    await api.call('patch', '/v1/apps/one/settings').send({ pids: 100 }).expect(200);
    const [first] = await stream.take(1);
    expect(first?.event).toBe('SettingsChanged');
    stream.close();
  });

  it('names its place first, so that nothing is missed before the first event', async () => {
    const head = await api.platform.api.log.head();
    const stream = await openStream('');
    await stream.begun;
    expect(stream.place()).toBe(`${head}-9999`);
    stream.close();
    await api.call('post', '/v1/apps').send({ name: 'meanwhile' }).expect(201);
    const again = await openStream('', { 'Last-Event-ID': stream.place() });
    expect((await again.take(2)).map(({ event }) => event)).toEqual(['NameReserved', 'AppCreated']);
    again.close();
  });

  it('refuses a place that is none', async () => {
    const answer = await api.call('get', '/v1/events/stream').set('Last-Event-ID', 'x').expect(400);
    expect(answer.body.errors[0].path).toBe('headers.last-event-id');
  });

  it('ends when its token is revoked', async () => {
    const made = await api.call('post', '/v1/tokens', bob).send({ name: 'short' }).expect(201);
    const stream = await openStream('', { Authorization: `Bearer ${String(made.body.token)}` });
    await api.call('delete', `/v1/tokens/${String(made.body.id)}`, bob).expect(200);
    await stream.ended;
  });
});

interface ServerSentEvent {
  readonly id: string;
  readonly event: string;
  readonly data: string;
}

const openStream = async (query: string, headers: Record<string, string> = {}) => {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const all = { Authorization: `Bearer ${api.token}`, ...headers };
    httpRequest(`${api.url}/v1/events/stream${query}`, { headers: all }, resolve)
      .on('error', reject)
      .end();
  });
  expect(response.statusCode).toBe(200);
  expect(response.headers['content-type']).toContain('text/event-stream');
  const blocks: ServerSentEvent[] = [];
  let place = '';
  let begin = (): void => undefined;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  let rest = '';
  let wake = (): void => undefined;
  response.setEncoding('utf8');
  response.on('data', (text: string) => {
    const parts = (rest + text).split('\n\n');
    rest = parts.pop() ?? '';
    for (const part of parts) {
      place = /^id: (.*)$/m.exec(part)?.[1] ?? place;
      begin();
      const match = /^id: (.*)\nevent: (.*)\ndata: (.*)$/.exec(part);
      if (match !== null) blocks.push({ id: match[1]!, event: match[2]!, data: match[3]! });
    }
    wake();
  });
  const ended = new Promise<void>((resolve) => response.once('close', resolve));
  return {
    ended,
    /** The first lines have come. */
    begun,
    /** What a client would send as Last-Event-ID. */
    place: () => place,
    close: () => response.destroy(),
    take: async (count: number): Promise<ServerSentEvent[]> => {
      while (blocks.length < count) await new Promise<void>((resolve) => (wake = resolve));
      return blocks.splice(0, count);
    },
  };
};
