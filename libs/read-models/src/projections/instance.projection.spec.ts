import { describe, expect, it } from 'vitest';
import { asProcess, RecordedPlatform } from '../testing/index.js';
import { documentsOf } from '../testing/documents-of.js';

const DEPLOYER = { actor: asProcess('deployer') };
const ROUTER_SYNC = { actor: asProcess('router-sync') };
const CONTAINER = 'c0ffee'.repeat(4);

const schedule = (platform: RecordedPlatform, instanceId: string): Promise<void> =>
  platform.do(
    'instance',
    instanceId,
    {
      type: 'ScheduleInstance',
      instanceId,
      appId: 'a1',
      process: 'web',
      version: 1,
      generation: 1,
      nodeId: 'node-1',
      port: 21_000,
      containerPort: 8080,
      address: '10.200.5.7',
    },
    DEPLOYER,
  );

const start = (platform: RecordedPlatform, id: string, restarts = 0): Promise<void> =>
  platform.do(
    'instance',
    id,
    { type: 'RecordStarted', containerId: CONTAINER, restarts },
    DEPLOYER,
  );

const exit = (platform: RecordedPlatform, id: string, line: string): Promise<void> =>
  platform.do(
    'instance',
    id,
    { type: 'RecordExited', exitCode: 1, oomKilled: false, logLines: [line] },
    DEPLOYER,
  );

const stop = async (platform: RecordedPlatform, id: string): Promise<void> => {
  const retire = { type: 'RetireInstance', reason: 'scaled-down' } as const;
  await platform.do('instance', id, retire, DEPLOYER);
  const stopped = { type: 'RecordStopped', exitCode: 143, killed: false } as const;
  await platform.do('instance', id, stopped, DEPLOYER);
};

describe('the instances model', () => {
  it('follows an instance from its schedule to ready', async () => {
    const platform = await RecordedPlatform.start();
    await schedule(platform, 'i1');
    expect(await (await documentsOf(platform)).instance('i1')).toMatchObject({
      id: 'i1',
      state: 'scheduled',
      nodeId: 'node-1',
      port: 21_000,
      containerPort: 8080,
      address: '10.200.5.7',
      containerId: null,
      startedAt: null,
    });
    await start(platform, 'i1');
    await platform.do('instance', 'i1', { type: 'RecordReady' }, DEPLOYER);
    expect(await (await documentsOf(platform)).instance('i1')).toMatchObject({
      state: 'ready',
      containerId: CONTAINER,
      restarts: 0,
    });
  });

  it('keeps the last words of its newest five ends', async () => {
    const platform = await RecordedPlatform.start();
    await schedule(platform, 'i1');
    for (let n = 0; n < 7; n += 1) {
      await start(platform, 'i1', n);
      await exit(platform, 'i1', `boom ${n}`);
    }
    const instance = await (await documentsOf(platform)).instance('i1');
    expect(instance).toMatchObject({ state: 'exited', restarts: 6 });
    expect(instance?.exits.map(({ logLines }) => logLines)).toEqual([
      ['boom 2'],
      ['boom 3'],
      ['boom 4'],
      ['boom 5'],
      ['boom 6'],
    ]);
  });

  it('says what each router does with it', async () => {
    const platform = await RecordedPlatform.start();
    await platform.do('router', 'r1', { type: 'StartRouter', routerId: 'r1', kind: 'haproxy' });
    await schedule(platform, 'i1');
    const none = { routed: [], unrouted: [], drained: [] };
    const { position } = platform.world;
    const routed = { type: 'RecordRoutes', position, ...none, routed: ['i1'] } as const;
    await platform.do('router', 'r1', routed, ROUTER_SYNC);
    let models = await documentsOf(platform);
    expect(await models.instance('i1')).toMatchObject({ routes: { r1: 'routed' } });
    expect(await models.router('r1')).toMatchObject({ status: 'active', routed: ['i1'] });
    const out = { type: 'RecordRoutes', position, ...none, unrouted: ['i1'] } as const;
    await platform.do('router', 'r1', out, ROUTER_SYNC);
    await platform.do('router', 'r1', { type: 'RemoveRouter' }, ROUTER_SYNC);
    models = await documentsOf(platform);
    expect(await models.instance('i1')).toMatchObject({ routes: { r1: 'unrouted' } });
    expect(await models.router('r1')).toMatchObject({ status: 'removed', routed: [] });
  });

  it('leaves the list of live ones when stopped, and can be asked for a while', async () => {
    const platform = await RecordedPlatform.start();
    for (let n = 0; n < 53; n += 1) {
      await schedule(platform, `i${n}`);
      await stop(platform, `i${n}`);
    }
    await schedule(platform, 'live');
    const models = await documentsOf(platform);
    expect((await models.instances({ appId: 'a1' })).map(({ id }) => id)).toEqual(['live']);
    const ended = await models.instances({ appId: 'a1', ended: true });
    expect(ended).toHaveLength(50);
    expect(ended[0]).toMatchObject({
      id: 'i52',
      state: 'stopped',
      retireReason: 'scaled-down',
      stop: { exitCode: 143, killed: false },
    });
    expect(await models.instance('i2')).toBeUndefined();
    expect(await models.instance('i3')).toBeDefined();
  });
});
