import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathsOf } from '@shiplog/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { anExplanation } from '../progress/testing/platform.js';
import { startTestApi, type TestApi } from '../testing/start-test-api.js';
import type { Finding } from './platform.routes.js';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
  await api.deployed('hello');
});
afterAll(() => api.stop());

describe('doctor', () => {
  it('names what is down and what to do about it', async () => {
    const { deployer } = api.platform;
    const unserve = deployer.bus.serve('health', () =>
      Promise.resolve({ name: 'Engine', version: '20.10.24' }),
    );
    const { body } = await api.call('get', '/v1/doctor').expect(200);
    const findings = body.findings as Finding[];
    const state = (name: string) => findings.find((one) => one.name === name);
    expect(body).toMatchObject({ ok: false, durability: 'memory' });
    expect(state('deployer')).toMatchObject({ state: 'ok', summary: 'answers; Engine 20.10.24' });
    expect(state('log')?.state).toBe('ok');
    expect(state('read models')?.state).toBe('ok');
    expect(state('builder')?.state).toBe('failed');
    for (const one of findings) {
      expect(one.state === 'ok' ? 'nothing to do' : one.remedy, one.name).toBeTruthy();
    }
    unserve();
  }, 20_000);
});

describe('doctor, about what others saw', () => {
  beforeAll(async () => {
    // All are there: nobody is waited for.
    const { busOf, api: context } = api.platform;
    const said = { position: Number(context.feed.position), at: new Date().toISOString() };
    for (const worker of [
      'builder',
      'deployer',
      'router-sync',
      'gc',
      'monitor-agent',
      'backup',
    ] as const) {
      const bus = busOf(worker);
      bus.publish('alive', said);
      await bus.close();
    }
  });
  const find = async (name: string, token?: string): Promise<Finding | undefined> => {
    const { body } = await api.call('get', '/v1/doctor', token).expect(200);
    return (body.findings as Finding[]).find((one) => one.name === name);
  };

  it('tells what the provisioner found of the log stream', async () => {
    expect(await find('log stream')).toMatchObject({ state: 'warning', group: 'log' });
    const { natsStreamCheck } = pathsOf(api.home);
    await mkdir(dirname(natsStreamCheck), { recursive: true });
    const checkedAt = new Date().toISOString();
    await writeFile(
      natsStreamCheck,
      JSON.stringify({ checkedAt, settings: 'max_bytes is 5', gaps: null }),
    );
    expect(await find('log stream')).toMatchObject({ state: 'failed', summary: 'max_bytes is 5' });
    expect(await find('gaps')).toMatchObject({ state: 'ok' });
    await writeFile(natsStreamCheck, JSON.stringify({ checkedAt, settings: null, gaps: null }));
    expect(await find('log stream')).toMatchObject({ state: 'ok' });
  }, 40_000);

  it('tells how far a worker read, and that its clock is wrong', async () => {
    const { busOf, api: context } = api.platform;
    const gc = busOf('gc');
    const position = Number(context.feed.position) - 2;
    gc.publish('alive', { position, at: new Date(Date.now() + 60_000).toISOString() });
    await expect
      .poll(async () => (await find('gc'))?.summary, { timeout: 10_000 })
      .toBe('is there; 2 commits behind');
    expect(await find('clock')).toMatchObject({ state: 'warning' });
    await gc.close();
  }, 40_000);

  it('tells administrators only which key files are open', async () => {
    await api
      .call('patch', '/v1/apps/hello/config')
      .send({ set: { KEY: 'v' } })
      .expect(200);
    const { keys } = pathsOf(api.home);
    const [name = ''] = await readdir(keys);
    await chmod(join(keys, name), 0o604);
    expect(await find('private files')).toMatchObject({
      ...{ state: 'failed', group: 'machine' },
      summary: expect.stringContaining(`${name} (0604)`) as string,
    });
    expect(await find('private files', await api.addUser('curious'))).toBeUndefined();
    await chmod(join(keys, name), 0o600);
    expect(await find('private files')).toMatchObject({ state: 'ok' });
  }, 40_000);
});

describe('doctor, about apps', () => {
  const failedDeploy = async (appId: string): Promise<void> => {
    const { given, api: context } = api.platform;
    await api.call('post', `/v1/apps/${appId}/restart`).send({}).expect(202);
    const target = context.world.deployment(appId)?.target;
    if (target == null) throw new Error('nothing to roll out');
    const { rolloutId, generation, release } = target;
    await given('rollout', rolloutId, {
      type: 'StartRollout',
      ...{ rolloutId, appId, generation, version: release.version, fromVersion: null },
      deadline: '2030-01-01T00:00:00Z',
    });
    await given('rollout', rolloutId, { type: 'FailRollout', explanation: anExplanation });
  };

  it('tells of a lost image and a failed deploy to the team of the app only', async () => {
    const appId = await api.deployed('ailing');
    const lost = { type: 'RecordLostImage', explanation: anExplanation } as const;
    await api.platform.given('build', 'bld_ailing-1', lost);
    await failedDeploy(appId);
    const statesFor = async (token?: string) => {
      const { body } = await api.call('get', '/v1/doctor', token).expect(200);
      const ofApps = (body.findings as Finding[]).filter(
        ({ name }) => name === 'images' || name === 'deploys',
      );
      return ofApps.map(({ state, summary }) => [state, summary.includes('ailing')]);
    };
    expect(await statesFor()).toEqual([
      ['failed', true],
      ['warning', true],
    ]);
    expect(await statesFor(await api.addUser('stranger'))).toEqual([
      ['ok', false],
      ['ok', false],
    ]);
  }, 20_000);
});
