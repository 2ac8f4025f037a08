import { describe, expect, it } from 'vitest';
import { DeployedApp } from '../testing/deployed-app.js';
import { BOB } from '../testing/platform.js';
import { documentsOf } from '../testing/documents-of.js';

const deploy = async ({ platform }: DeployedApp, generation: number) =>
  (await documentsOf(platform)).deploy(`a1-g${generation}`);

describe('the deploys model', () => {
  it('knows a deploy before its rollout starts: whose it is and why', async () => {
    const app = await DeployedApp.create();
    await app.push('b1', { actor: BOB, reason: 'go' });
    expect(await deploy(app, 1)).toMatchObject({
      deployId: 'a1-g1',
      status: 'pending',
      version: 1,
      cause: 'build',
      buildId: 'b1',
      requestedBy: 'bob',
      reason: 'go',
      startedAt: null,
      deadline: null,
    });
  });

  it('follows the rollout to its end', async () => {
    const app = await DeployedApp.create();
    await app.deploy('b1', 1, 1);
    await app.push('b2');
    await app.startRollout(2, 2);
    expect(await deploy(app, 2)).toMatchObject({
      status: 'running',
      fromVersion: 1,
      deadline: '2026-12-01T00:00:00.000Z',
      finishedAt: null,
    });
    await app.fail(2);
    expect(await deploy(app, 1)).toMatchObject({ status: 'completed' });
    expect(await deploy(app, 2)).toMatchObject({
      status: 'failed',
      explanation: { code: 'exited' },
    });
    expect((await deploy(app, 2))?.finishedAt).not.toBeNull();
  });

  it('has restarts and changed settings as deploys of the same release', async () => {
    const app = await DeployedApp.create();
    await app.deploy('b1', 1, 1);
    const restart = { type: 'Restart', baseVersion: 1 } as const;
    await app.platform.do('app', 'a1', restart, { actor: BOB, reason: 'stuck' });
    expect(await deploy(app, 2)).toMatchObject({
      status: 'pending',
      cause: 'restart',
      version: 1,
      requestedBy: 'bob',
      reason: 'stuck',
    });
  });

  it('cancels what was overtaken before it began, and what its app took with it', async () => {
    const app = await DeployedApp.create();
    await app.push('b1');
    await app.push('b2');
    expect(await deploy(app, 1)).toMatchObject({ status: 'cancelled', cancelCause: 'superseded' });
    await app.platform.do('app', 'a1', { type: 'DestroyApp', confirm: 'hello' });
    expect(await deploy(app, 2)).toMatchObject({
      status: 'cancelled',
      cancelCause: 'app-destroyed',
    });
  });

  it('is cancelled in two steps: asked for, then done', async () => {
    const app = await DeployedApp.create();
    await app.push('b1');
    await app.startRollout(1, 1);
    await app.platform.do('app', 'a1', { type: 'CancelRollout', rolloutId: 'a1-g1' });
    expect(await deploy(app, 1)).toMatchObject({ status: 'running', cancelRequested: true });
    await app.cancel(1, 'asked');
    expect(await deploy(app, 1)).toMatchObject({ status: 'cancelled', cancelCause: 'asked' });
  });
});
