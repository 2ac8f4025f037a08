import { beforeEach, describe, expect, it } from 'vitest';
import { testPlatform, type TestPlatform } from '../testing/test-platform.js';
import { Discovery } from './discovery.js';
import { InMemoryResolvers } from './in-memory-resolvers.js';

const IMAGE = { id: `sha256:${'a'.repeat(64)}` };
const sleep = { command: ['sleep', '1'] };

const STEPS = {
  ready: { type: 'RecordReady' },
  exited: { type: 'RecordExited', exitCode: 1, oomKilled: false, logLines: [] },
  retired: { type: 'RetireInstance', reason: 'scaled-down' },
  stopped: { type: 'RecordStopped', exitCode: 0, killed: false },
} as const;
type Step = keyof typeof STEPS;

describe('the names of instances', () => {
  let platform: TestPlatform;
  let resolvers: InMemoryResolvers;
  let discovery: Discovery;
  let nowMs: number;
  let addresses = 0;

  beforeEach(async () => {
    platform = await testPlatform({ from: 1, to: 2 });
    resolvers = new InMemoryResolvers();
    nowMs = 0;
    discovery = new Discovery(platform.world, resolvers, () => nowMs);
    const unfollow = platform.feed.onBatch((batch) => discovery.take(batch));
    return async () => {
      unfollow();
      await platform.end();
    };
  });

  const app = async (appId: string, teamId: string, ...types: string[]) => {
    await platform.app(appId, { type: 'CreateApp', appId, name: appId, teamId });
    const processes = Object.fromEntries(types.map((type) => [type, sleep]));
    await platform.deploy(appId, { image: IMAGE, processes });
  };
  const step = (instanceId: string, type: Step) =>
    platform.commands.handle('instance', instanceId, STEPS[type], {
      actor: { kind: 'process', id: 'deployer', name: 'deployer' },
    });
  const start = async (appId: string, process: string, instanceId: string) => {
    addresses += 1;
    const actor = { kind: 'process', id: 'deployer', name: 'deployer' } as const;
    const address = `10.176.1.${addresses}`;
    await platform.commands.handle(
      'instance',
      instanceId,
      {
        type: 'ScheduleInstance',
        ...{ instanceId, appId, process, address, version: 1, generation: 1 },
        ...{ nodeId: 'n1', port: null, containerPort: null },
      },
      { actor },
    );
    const of = { type: 'RecordStarted', containerId: 'c'.repeat(12), restarts: 0 } as const;
    await platform.commands.handle('instance', instanceId, of, { actor });
    await platform.feed.catchUp();
    return address;
  };
  const told = async (teamId: string): Promise<string | undefined> => {
    await platform.feed.catchUp();
    const { nextRoundInMs = 0 } = await discovery.round();
    // What changed just after something else is published together with what comes next.
    if (nextRoundInMs <= 600) {
      nowMs += nextRoundInMs;
      await discovery.round();
    }
    return resolvers.answersOf(teamId);
  };

  it('are there from the first ready on, and gone when it is not', async () => {
    await app('shop', 't1', 'web', 'worker');
    const web = await start('shop', 'web', 'web-1');
    expect(await told('t1')).toBeUndefined();
    await step('web-1', 'ready');
    expect(await told('t1')).toBe(`${web} web.shop.internal shop.internal\n`);
    await step('web-1', 'exited');
    expect(await told('t1')).toBe('');
  });

  it('need no server once nothing of the team is left, of whatever app', async () => {
    await app('shop', 't1', 'web');
    await app('queue', 't1', 'broker');
    await start('shop', 'web', 'web-1');
    await start('queue', 'broker', 'broker-1');
    await step('web-1', 'ready');
    await step('broker-1', 'ready');
    await told('t1');
    await step('web-1', 'retired');
    await step('web-1', 'stopped');
    expect(await told('t1')).toContain('broker.queue.internal');
    await step('broker-1', 'retired');
    expect(await told('t1')).toBe('');
    await step('broker-1', 'stopped');
    expect(await told('t1')).toBeUndefined();
    await start('shop', 'web', 'web-2');
    await step('web-2', 'ready');
    expect(await told('t1')).toContain('web.shop.internal');
  });

  it('name the process, and the app by its web alone', async () => {
    await app('shop', 't1', 'web', 'worker');
    await app('queue', 't1', 'broker');
    const worker = await start('shop', 'worker', 'worker-1');
    const broker = await start('queue', 'broker', 'broker-1');
    await step('worker-1', 'ready');
    await step('broker-1', 'ready');
    const lines = (await told('t1'))?.split('\n');
    expect(lines).toContain(`${worker} worker.shop.internal`);
    expect(lines).toContain(`${broker} broker.queue.internal queue.internal`);
  });

  it('are told to the team alone, and to the team only when they changed', async () => {
    await app('shop', 't1', 'web');
    await app('other', 't2', 'web');
    await start('shop', 'web', 'web-1');
    await start('other', 'web', 'web-2');
    await step('web-1', 'ready');
    await step('web-2', 'ready');
    expect(await told('t1')).not.toContain('other');
    expect(await told('t2')).not.toContain('shop');
    resolvers.calls.length = 0;
    await start('shop', 'web', 'web-3');
    await told('t1');
    expect(resolvers.calls).toEqual([]);
    await step('web-3', 'ready');
    await step('web-1', 'retired');
    await told('t1');
    expect(resolvers.calls).toEqual(['t1']);
  });

  it('of one team do not wait for those of another, whose trouble is tried again', async () => {
    await app('shop', 't1', 'web');
    await app('other', 't2', 'web');
    for (const [appId, id] of [
      ['shop', 'web-1'],
      ['other', 'web-2'],
    ] as const) {
      await start(appId, 'web', id);
      await step(id, 'ready');
    }
    resolvers.failing.add('t1');
    await platform.feed.catchUp();
    await expect(discovery.round()).rejects.toThrow('t1 fails');
    expect(resolvers.answersOf('t2')).toContain('other.internal');
    resolvers.failing.clear();
    expect(await told('t1')).toContain('shop.internal');
  });

  it('are published again now and then, whatever became of the servers', async () => {
    await app('shop', 't1', 'web');
    await start('shop', 'web', 'web-1');
    await step('web-1', 'ready');
    expect((await discovery.round()).nextRoundInMs).toBe(10_000);
    resolvers.calls.length = 0;
    nowMs += 10_000;
    await told('t1');
    expect(resolvers.calls).toEqual(['distrust', 't1']);
  });

  it('of many changes at once are published together, within a second', async () => {
    await app('shop', 't1', 'web');
    for (const id of ['web-1', 'web-2', 'web-3']) {
      await start('shop', 'web', id);
      await step(id, 'ready');
      await platform.feed.catchUp();
      await discovery.round();
    }
    expect(resolvers.calls.filter((call) => call === 't1')).toHaveLength(1);
    const { nextRoundInMs = 0 } = await discovery.round();
    expect(nextRoundInMs).toBeLessThanOrEqual(600);
    nowMs += nextRoundInMs;
    await discovery.round();
    expect(resolvers.calls.filter((call) => call === 't1')).toHaveLength(2);
    expect(
      resolvers
        .answersOf('t1')
        ?.split('\n')
        .filter((line) => line !== ''),
    ).toHaveLength(3);
  });

  describe('of an instance beside others, while more start', () => {
    const published = (): number => resolvers.calls.filter((call) => call === 't1').length;
    const lines = (): number => resolvers.answersOf('t1')?.match(/\n/g)?.length ?? 0;
    const roundAfter = async (ms: number) => {
      nowMs += ms;
      await platform.feed.catchUp();
      return discovery.round();
    };
    beforeEach(async () => {
      await app('shop', 't1', 'web', 'worker');
      for (const id of ['web-1', 'web-2', 'web-3']) await start('shop', 'web', id);
      await step('web-1', 'ready');
      await roundAfter(0);
      await step('web-2', 'ready');
    });

    it('wait for theirs, three seconds at most', async () => {
      expect((await roundAfter(1_000)).nextRoundInMs).toBe(3_000);
      expect((await roundAfter(2_999)).nextRoundInMs).toBe(1);
      expect(published()).toBe(1);
      await roundAfter(1);
      expect(published()).toBe(2);
      expect(lines()).toBe(2);
    });

    it('wait no longer than until the last of them is ready', async () => {
      await roundAfter(1_000);
      await step('web-3', 'ready');
      await roundAfter(0);
      expect(published()).toBe(2);
      expect(lines()).toBe(3);
    });

    it('are told with what goes, and with a name that nobody answered to', async () => {
      await roundAfter(1_000);
      await step('web-1', 'retired');
      await roundAfter(0);
      expect(published()).toBe(2);
      expect(lines()).toBe(1);
      await start('shop', 'worker', 'worker-1');
      await step('worker-1', 'ready');
      await roundAfter(600);
      expect(published()).toBe(3);
      expect(lines()).toBe(2);
    });
  });

  it('go with the app', async () => {
    await app('shop', 't1', 'web');
    await start('shop', 'web', 'web-1');
    await step('web-1', 'ready');
    expect(await told('t1')).toContain('shop.internal');
    await platform.app('shop', { type: 'DestroyApp', confirm: 'shop' });
    expect(await told('t1')).toBe('');
  });
});
