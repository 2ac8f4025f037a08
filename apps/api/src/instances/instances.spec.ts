import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { anExplanation } from '../progress/testing/platform.js';
import { startTestApi, type TestApi } from '../testing/start-test-api.js';

let api: TestApi;
let appId: string;
beforeAll(async () => {
  api = await startTestApi();
  appId = await api.deployed('hello');
  await start('i-1', 21_000);
});
afterAll(() => api.stop());

const CONTAINER = 'c'.repeat(64);
const start = async (instanceId: string, port: number) => {
  const { given } = api.platform;
  await given('instance', instanceId, {
    type: 'ScheduleInstance',
    instanceId,
    appId,
    process: 'web',
    version: 1,
    generation: 1,
    nodeId: 'node-1',
    port,
    containerPort: 8080,
    address: '10.200.5.7',
  });
  const started = { type: 'RecordStarted', containerId: CONTAINER, restarts: 0 } as const;
  await given('instance', instanceId, started);
  await given('instance', instanceId, { type: 'RecordReady' });
};

describe('ps', () => {
  it('shows each instance, with what it uses as soon as somebody measured', async () => {
    const list = () => api.call('get', '/v1/apps/hello/instances').expect(200);
    const before = await list();
    expect(before.body).toMatchObject([
      {
        id: 'i-1',
        process: 'web',
        release: 1,
        state: 'ready',
        host: 'node-1',
        port: 21_000,
        address: '10.200.5.7',
        containerId: CONTAINER,
        cpu: null,
        memoryBytes: null,
        restarts: 0,
      },
    ]);
    const used = { cpu: 0.25, memoryBytes: 1_000, pids: 3, rxBytes: 5, txBytes: 6 };
    api.platform
      .busOf('monitor-agent')
      .publish('metrics', { instances: [{ instanceId: 'i-1', ...used }] });
    await expect.poll(async () => (await list()).body as unknown[]).toMatchObject([used]);

    const sequence = String((await list()).headers['shiplog-sequence']);
    const past = await api.call('get', `/v1/apps/hello/instances?at=${sequence}`).expect(200);
    expect(past.body[0].cpu).toBeNull();
  });
});

describe('logs', () => {
  it('pass on what the deployer sends, line by line', async () => {
    const inputs: unknown[] = [];
    const unserve = api.platform.deployer.bus.serveSessions('logs', (input, session) => {
      inputs.push(input);
      const time = '2026-11-21T10:00:00.000Z';
      const head = { time, instance: 'i-1', process: 'web', stream: 'stdout', text: 'hi ü' };
      session.send({ kind: 'line', head });
      session.end();
      return Promise.resolve();
    });
    const answer = await api.call('get', '/v1/apps/hello/logs?tail=5&instance=i-1').buffer(true);
    expect(answer.headers['content-type']).toContain('application/x-ndjson');
    expect(JSON.parse(answer.text)).toMatchObject({ instance: 'i-1', text: 'hi ü' });
    expect(inputs).toEqual([{ appId, instances: ['i-1'], tail: 5, follow: false }]);
    unserve();
  });

  it('end the session when the reader leaves', async () => {
    let ended: Promise<unknown> | undefined;
    const unserve = api.platform.deployer.bus.serveSessions('logs', async (_input, session) => {
      ended = session.ended;
      await session.ended;
    });
    const abort = new AbortController();
    const response = await fetch(`${api.url}/v1/apps/hello/logs?follow`, {
      headers: { Authorization: `Bearer ${api.token}` },
      signal: abort.signal,
    });
    expect(response.status).toBe(200);
    abort.abort();
    await ended;
    unserve();
  });

  it('refuse when nobody can send them, or the instance is none', async () => {
    const down = Object.assign(new Error('the engine is down'), { code: 'engine-unreachable' });
    const refuse = () => Promise.reject(down);
    const unserve = api.platform.deployer.bus.serveSessions('logs', refuse);
    const none = await api.call('get', '/v1/apps/hello/logs?instance=i-9').expect(404);
    expect(none.body.code).toBe('instance-not-found');
    unserve();
    for (const query of [
      'tail=-1',
      'tail=1e9',
      'tail=x',
      'type=audit',
      'process=A%0A',
      'follow=maybe',
    ]) {
      await api.call('get', `/v1/apps/hello/logs?${query}`).expect(400);
    }
  });

  it('of operations tell what the platform did', async () => {
    const path = '/v1/apps/hello/logs?type=operations&tail=3';
    const lines = (await api.call('get', path).buffer(true).expect(200)).text.trim().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { text: string }).text)).toEqual([
      'InstanceScheduled web v1 by ann (why)',
      'InstanceStarted by ann (why)',
      'InstanceReady by ann (why)',
    ]);
  });

  it('of starts tell why instances did not start', async () => {
    const logLines = ['Error: no database'];
    await api.platform.given('instance', 'i-1', {
      type: 'RecordExited',
      exitCode: 1,
      oomKilled: false,
      logLines,
    });
    await api.call('post', '/v1/apps/hello/restart').expect(202);
    const { target } = api.platform.api.world.deployment(appId) ?? {};
    const rolloutId = String(target?.rolloutId);
    const deadline = '2030-01-01T00:00:00Z';
    const more = { appId, generation: 2, version: 1, fromVersion: 1, deadline };
    await api.platform.given('rollout', rolloutId, { type: 'StartRollout', rolloutId, ...more });
    const explanation = { ...anExplanation, summary: 'it exits at once' };
    await api.platform.given('rollout', rolloutId, { type: 'FailRollout', explanation });
    const answer = await api.call('get', '/v1/apps/hello/logs?type=start').buffer(true).expect(200);
    expect(answer.text).toContain('Error: no database');
    expect(answer.text).toContain('exited: exit code 1');
    expect(answer.text).toContain('v1 failed: it exits at once');
  });
});

describe('an unready instance', () => {
  it('says since when and why, until it is ready again', async () => {
    await start('i-2', 21_001);
    const { given } = api.platform;
    const unready = { cause: 'readiness', check: 'http 200-399 /up', got: 'HTTP 503' } as const;
    const shown = async (): Promise<unknown> => {
      const { body } = await api.call('get', '/v1/apps/hello/instances').expect(200);
      return (body as { id: string }[]).find(({ id }) => id === 'i-2');
    };
    await given('instance', 'i-2', { type: 'RecordUnready', ...unready });
    await expect.poll(shown).toMatchObject({ state: 'unready', unready, lastAnswer: null });
    const got = 'HTTP 500';
    api.platform.busOf('deployer').publish('answers', { answers: [{ instanceId: 'i-2', got }] });
    await expect.poll(shown).toMatchObject({ lastAnswer: got });
    await given('instance', 'i-2', { type: 'RecordReady' });
    await expect.poll(shown).toMatchObject({ state: 'ready', unready: null, lastAnswer: null });
  });
});
