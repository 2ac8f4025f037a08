import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../testing/start-test-api.js';

let api: TestApi;
beforeAll(async () => (api = await startTestApi()));
afterAll(() => api.stop());

const planOf = async (query = '', app = 'planned') =>
  (await api.call('get', `/v1/apps/${app}/deploy-plan${query}`).expect(200)).body as {
    steps: object[];
    order: string[];
    warnings: string[];
  };

it('what a deploy would do is told by strategy, and nothing is done', async () => {
  await api.call('post', '/v1/apps').send({ name: 'blank' }).expect(201);
  expect(await planOf('', 'blank')).toMatchObject({
    strategy: 'rolling',
    fromRelease: null,
    wanted: { web: 1 },
    atMost: { web: 1 },
    warnings: ['nothing serves yet: there is nothing to go back to'],
  });
  await api.deployed('planned', 2);
  await api.call('patch', '/v1/apps/planned/formation').send({ web: 4 }).expect(200);
  const head = await api.platform.api.log.head();
  const canary = await planOf('?strategy=canary');
  expect(canary).toMatchObject({
    strategy: 'canary',
    fromRelease: 2,
    wanted: { web: 4 },
    atMost: { web: 8 },
    steps: [
      { instances: { web: 1 }, percent: 10, waitsSeconds: 300 },
      { instances: { web: 2 }, percent: 50, waitsSeconds: 300 },
      { instances: { web: 4 }, percent: 100, waitsSeconds: 0 },
    ],
    deadlineSeconds: 900,
    warnings: [],
  });
  expect(canary.order).toContain('give 10% of the requests to the new ones');
  expect((await planOf('?strategy=blue-green')).order).toContain(
    'keep the old ones for 300 s: deploys abort goes back at once',
  );
  expect(await api.platform.api.log.head()).toBe(head);
  await api.call('patch', '/v1/apps/planned/formation').send({ web: 1 }).expect(200);
  await api
    .call('patch', '/v1/apps/planned/settings')
    .send({ stopFirst: ['web'] })
    .expect(200);
  const once = await planOf();
  expect(once).toMatchObject({ wanted: { web: 1 }, atMost: { web: 1 } });
  expect(once.order).toContain('stop the old web, then start the new one');
  expect(once.warnings).toEqual([
    'web: its old instance stops before the new one starts; none runs in between: up to 60 s to end, and until the new one is ready, up to 60 s',
  ]);
  expect(once).toMatchObject({
    outages: [{ process: 'web', volume: null, stopSecondsMax: 60, startSecondsMax: 60 }],
    releaseCommand: null,
  });
  await api.call('get', '/v1/apps/planned/deploy-plan?strategy=big-bang').expect(400);

  await api.call('post', '/v1/apps/planned/stop').send({}).expect(202);
  expect((await planOf()).warnings).toEqual([
    'the app is stopped: the release is not tried out, a start will run it',
  ]);
});

it('the release command is told, with its own deadline, also where the app is stopped', async () => {
  const appId = await api.deployed('migrated', 1, { release: { command: ['rake', 'db:migrate'] } });
  const plan = await planOf('', 'migrated');
  expect(plan).toMatchObject({
    releaseCommand: { command: ['rake', 'db:migrate'], deadlineSeconds: 300 },
    deadlineSeconds: 600,
  });
  expect(plan.order.slice(0, 2)).toEqual([
    'run the release command "rake db:migrate", unless the new release has another, for up to 300 s',
    'where it fails, nothing of the new release is started and what serves goes on',
  ]);
  await api.call('post', `/v1/apps/${appId}/stop`).send({}).expect(202);
  expect((await planOf('', 'migrated')).order).toHaveLength(2);
});
