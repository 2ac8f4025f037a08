import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../testing/start-test-api.js';

let api: TestApi;
let bob: string;
let appId: string;
beforeAll(async () => {
  api = await startTestApi();
  bob = await api.addUser('bob');
  appId = await api.deployed('shop');
  const { given } = api.platform;
  const place = { nodeId: 'n1', port: 21_000, containerPort: 8080 };
  const known = { instanceId: 'i1', appId, process: 'web', version: 1, generation: 1, ...place };
  await given('instance', 'i1', { type: 'ScheduleInstance', ...known });
  const containerId = 'c0ffee'.repeat(4);
  await given('instance', 'i1', { type: 'RecordStarted', containerId, restarts: 0 });
  await given('instance', 'i1', { type: 'RecordReady' });
  await given('router', 'r1', { type: 'StartRouter', routerId: 'r1', kind: 'haproxy' });
  const applied = { position: api.platform.api.feed.position, unrouted: [], drained: [] };
  await given('router', 'r1', { type: 'RecordRoutes', ...applied, routed: ['i1'] });
});
afterAll(() => api.stop());

interface Step {
  readonly kind: string;
  readonly depth: number;
  readonly id: string;
  readonly sequence: string;
  readonly reason: string | null;
  readonly actor: string;
  readonly asked: boolean;
  readonly text: string;
  readonly state: string | null;
}
const why = async (query: string, token = api.token): Promise<Step[]> => {
  const { body } = await api.call('get', `/v1/why?${query}`, token).expect(200);
  expect(body).toMatchObject({ app: 'shop', appId });
  return (body as { steps: Step[] }).steps;
};
const kinds = (steps: Step[]): string[] => steps.map(({ kind }) => kind);

const WHOLE = 'actor command build release rollout instance container route'.split(' ');

describe('GET /v1/why', () => {
  it.each(['of=i1', 'of=v1&app=shop', 'of=shop.localhost', 'of=http://shop.localhost:5880/a'])(
    'tells the way from the person to the route: %s',
    async (query) => {
      const steps = await why(query);
      expect(kinds(steps)).toEqual(WHOLE);
      expect(steps.map(({ depth }) => depth)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
      expect(steps[0]).toMatchObject({ actor: 'ann' });
      expect(steps[1]).toMatchObject({ reason: 'why' });
      expect(steps.filter(({ asked }) => asked)).toHaveLength(1);
    },
  );

  it('tells of a config key who set it, and what it made anew', async () => {
    await api
      .call('patch', '/v1/apps/shop/config')
      .set('Shiplog-Reason', 'new%20database')
      .send({ set: { DATABASE_URL: 'postgres://secret' } })
      .expect(200);
    const steps = await why('of=DATABASE_URL&app=shop');
    expect(kinds(steps)).toEqual(['actor', 'command', 'release', 'rollout']);
    expect(steps[1]).toMatchObject({ reason: 'new database', actor: 'admin', asked: true });
    expect(JSON.stringify(steps)).not.toContain('secret');
  });

  it('tells of a port who added it, and whom it leads to', async () => {
    await api
      .call('put', '/v1/apps/shop/ports/32100')
      .set('Shiplog-Reason', 'MQTT')
      .send({})
      .expect(200);
    for (const query of ['of=32100', 'of=32100&app=shop']) {
      const steps = await why(query);
      expect(kinds(steps)).toEqual(['actor', 'command', ...WHOLE]);
      expect(steps[1]).toMatchObject({ reason: 'MQTT', actor: 'admin', asked: true });
      expect(steps.at(-1)).toMatchObject({ text: 'shop.localhost :32100', state: 'routed' });
    }
    await api.call('get', '/v1/why?of=32101').expect(404);
    await api.call('get', '/v1/why?of=32100', bob).expect(404);
  });

  it('tells what was known at a moment', async () => {
    const scheduled = (await why('of=i1')).find(({ kind }) => kind === 'instance')?.sequence;
    const then = await why(`of=i1&at=${scheduled}`);
    expect(kinds(then)).toEqual(WHOLE.slice(0, 6));
    const built = then.find(({ kind }) => kind === 'release')?.sequence;
    await api.call('get', `/v1/why?of=i1&at=${built}`).expect(404);
    await api.call('get', '/v1/why?of=i1&at=yesterday').expect(422);
  });

  it('says what there is where there is nothing of that name', async () => {
    const refused = async (query: string, token = api.token): Promise<unknown> =>
      (await api.call('get', `/v1/why?${query}`, token).expect(404)).body.code;
    for (const query of ['of=v1', 'of=nope', 'of=v9&app=shop', 'of=NOPE&app=shop', 'of=a.b%0a']) {
      expect(await refused(query)).toBe('subject-not-found');
    }
    expect(await refused('of=v1&app=nobodys')).toBe('app-not-found');
    await api.call('get', '/v1/why?of=').expect(400);
  });

  it('tells nobody of the apps of other teams', async () => {
    const codes = await Promise.all(
      ['of=i1', 'of=shop.localhost', 'of=v1&app=shop'].map(async (query) => {
        const { body } = await api.call('get', `/v1/why?${query}`, bob).expect(404);
        return (body as { code: string }).code;
      }),
    );
    expect(codes).toEqual(['subject-not-found', 'subject-not-found', 'app-not-found']);
  });
});
