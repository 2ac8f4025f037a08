import { describe, expect, it } from 'vitest';
import { asProcess } from '../testing/index.js';
import { DeployedApp } from '../testing/deployed-app.js';
import { BOB } from '../testing/platform.js';
import { documentsOf } from '../testing/documents-of.js';
import { explanationOf, imageOf } from '../testing/values.js';

const BUILDER = { actor: asProcess('builder') };
const build = async ({ platform }: DeployedApp, buildId = 'b1') =>
  (await documentsOf(platform)).build(buildId);

describe('the builds model', () => {
  it('knows a build from its request on: who, why, from what', async () => {
    const app = await DeployedApp.create();
    await app.requestBuild('b1', { actor: BOB, reason: 'try it' });
    expect(await build(app)).toMatchObject({
      status: 'requested',
      requestedBy: 'bob',
      reason: 'try it',
      source: { kind: 'archive', via: 'git', branch: 'main' },
      image: null,
      startedAt: null,
    });
  });

  it('follows it to its image and to the release that was cut from it', async () => {
    const app = await DeployedApp.create();
    await app.requestBuild('b1');
    await app.startBuild('b1');
    expect(await build(app)).toMatchObject({ status: 'running', finishedAt: null });
    await app.succeedBuild('b1');
    expect(await build(app)).toMatchObject({
      status: 'succeeded',
      image: imageOf('b1'),
      stack: 'node',
      durationMs: 900,
      version: null,
    });
    await app.push('b2');
    await app.setConfig({ A: 'x' });
    expect(await build(app, 'b2')).toMatchObject({ version: 1 });
  });

  it('explains a failed one, and an image that is gone until it is made again', async () => {
    const app = await DeployedApp.create();
    await app.requestBuild('b1');
    await app.startBuild('b1');
    const explanation = explanationOf('build-failed');
    await app.platform.do('build', 'b1', { type: 'FailBuild', explanation }, BUILDER);
    expect(await build(app)).toMatchObject({ status: 'failed', explanation });

    await app.requestBuild('b2');
    await app.startBuild('b2');
    await app.succeedBuild('b2');
    const lost = { type: 'RecordLostImage', explanation: explanationOf('image-lost') } as const;
    await app.platform.do('build', 'b2', lost, BUILDER);
    expect(await build(app, 'b2')).toMatchObject({ explanation: { code: 'image-lost' } });
    const again = { type: 'RecordRebuiltImage', image: imageOf('again') } as const;
    await app.platform.do('build', 'b2', again, BUILDER);
    expect(await build(app, 'b2')).toMatchObject({ image: imageOf('again'), explanation: null });
  });

  it('is cancelled in two steps: asked for, then done', async () => {
    const app = await DeployedApp.create();
    await app.requestBuild('b1');
    await app.startBuild('b1');
    await app.platform.do('app', 'a1', { type: 'CancelBuild', buildId: 'b1' });
    expect(await build(app)).toMatchObject({ status: 'running', cancelRequested: true });
    await app.platform.do('build', 'b1', { type: 'CancelBuild' }, BUILDER);
    expect(await build(app)).toMatchObject({ status: 'cancelled', cancelRequested: true });
  });
});
