import { describe, expect, it } from 'vitest';
import { DeployedApp } from '../testing/deployed-app.js';
import { BOB } from '../testing/platform.js';
import { documentsOf } from '../testing/documents-of.js';

const states = async ({ platform }: DeployedApp): Promise<Record<number, string>> => {
  const releases = await (await documentsOf(platform)).releases({ appId: 'a1' });
  return Object.fromEntries(releases.map(({ version, state }) => [version, state]));
};

describe('the releases model', () => {
  it('lists the newest first', async () => {
    const app = await DeployedApp.create();
    await app.push('b1');
    await app.push('b2');
    const releases = await (await documentsOf(app.platform)).releases({ appId: 'a1' });
    expect(releases.map(({ version }) => version)).toEqual([2, 1]);
  });

  it('names the person who pushed, why, and the commit, not the process that cut it', async () => {
    const app = await DeployedApp.create();
    await app.push('b1', { actor: BOB, reason: 'first light' });
    expect(await (await documentsOf(app.platform)).release('a1', 1)).toMatchObject({
      createdBy: 'bob',
      reason: 'first light',
      commit: 'c'.repeat(40),
      branch: 'main',
      cause: 'build',
      buildId: 'b1',
    });
  });

  it('goes from pending over rolling-out to live, and is superseded by the next one that serves', async () => {
    const app = await DeployedApp.create();
    await app.push('b1');
    expect(await states(app)).toEqual({ 1: 'pending' });
    await app.startRollout(1, 1);
    expect(await states(app)).toEqual({ 1: 'rolling-out' });
    await app.complete(1);
    expect(await states(app)).toEqual({ 1: 'live' });
    await app.push('b2');
    await app.startRollout(2, 2);
    expect(await states(app)).toEqual({ 1: 'live', 2: 'rolling-out' });
    await app.complete(2);
    expect(await states(app)).toEqual({ 1: 'superseded', 2: 'live' });
  });

  it('explains a failed one and leaves the old one live', async () => {
    const app = await DeployedApp.create();
    await app.deploy('b1', 1, 1);
    await app.push('b2');
    await app.startRollout(2, 2);
    await app.fail(2);
    expect(await states(app)).toEqual({ 1: 'live', 2: 'failed' });
    expect(await (await documentsOf(app.platform)).release('a1', 2)).toMatchObject({
      explanation: { code: 'exited' },
    });
  });

  it('stays live when its restart fails', async () => {
    const app = await DeployedApp.create();
    await app.deploy('b1', 1, 1);
    await app.platform.do('app', 'a1', { type: 'Restart', baseVersion: 1 });
    await app.startRollout(2, 1);
    await app.fail(2);
    expect(await states(app)).toEqual({ 1: 'live' });
  });

  it('is superseded when a newer one or a restart overtakes it before it was rolled out', async () => {
    const app = await DeployedApp.create();
    await app.deploy('b1', 1, 1);
    await app.push('b2');
    await app.push('b3');
    await app.platform.do('app', 'a1', { type: 'Restart', baseVersion: 1 });
    expect(await states(app)).toEqual({ 1: 'live', 2: 'superseded', 3: 'superseded' });
  });

  it('is cancelled when somebody asked for that, superseded when a newer one was the cause', async () => {
    const app = await DeployedApp.create();
    await app.push('b1');
    await app.startRollout(1, 1);
    await app.cancel(1, 'asked');
    await app.push('b2');
    await app.startRollout(2, 2);
    await app.cancel(2, 'superseded');
    expect(await states(app)).toEqual({ 1: 'cancelled', 2: 'superseded' });
  });

  it('says which config keys changed since the release before, without values', async () => {
    const app = await DeployedApp.create();
    await app.setConfig({ A: 'x', B: 'x' });
    await app.setConfig({ C: 'x' }, ['A']);
    await app.push('b1');
    await app.setConfig({ D: 'x' }, ['B']);
    const models = await documentsOf(app.platform);
    expect((await models.release('a1', 1))?.configChanges).toEqual({
      set: ['B', 'C'],
      unset: ['A'],
    });
    expect(await models.release('a1', 2)).toMatchObject({
      cause: 'config',
      configChanges: { set: ['D'], unset: ['B'] },
    });
  });

  it('serves no more when its app is destroyed', async () => {
    const app = await DeployedApp.create();
    await app.deploy('b1', 1, 1);
    await app.push('b2');
    await app.platform.do('app', 'a1', { type: 'DestroyApp', confirm: 'hello' });
    expect(await states(app)).toEqual({ 1: 'superseded', 2: 'cancelled' });
  });
});
