import { CommandHandler, worldFold } from '@shiplog/commands';
import {
  World,
  type AppCommand,
  type DomainCommand,
  type InstanceCommand,
  type RolloutCommand,
} from '@shiplog/domain';
import { InMemoryEventLog, LogFeed } from '@shiplog/events/log';
import { describe, expect, it } from 'vitest';
import { desiredRoutes } from './desired-routes.js';

const actor = { kind: 'user', id: 'u1', name: 'ann' } as const;

const platform = async () => {
  const log = new InMemoryEventLog();
  const world = new World();
  const feed = new LogFeed(log).add(worldFold(world, 'test'));
  await feed.start();
  const commands = new CommandHandler({ log, world, feed });
  const app = (command: AppCommand, id = 'a1') => commands.handle('app', id, command, { actor });
  const instance = (id: string, ...all: readonly InstanceCommand[]) =>
    all.reduce(
      (before, command) =>
        before.then(async () => {
          await commands.handle('instance', id, command, { actor });
        }),
      Promise.resolve(),
    );
  await app({ type: 'CreateApp', appId: 'a1', name: 'hello', teamId: 't1' });
  const rollout = (command: RolloutCommand) =>
    commands.handle('rollout', 'a1-g2', command, { actor });
  const domain = (command: DomainCommand) => commands.handle('domain', 'd1', command, { actor });
  return {
    app,
    domain,
    instance,
    rollout,
    desired: async () => {
      await feed.catchUp();
      return desiredRoutes(world, {
        domain: 'example.com',
        instanceHost: '10.0.0.1',
        hashOf: (encrypted) => (encrypted.endsWith('lost') ? undefined : HASH),
      });
    },
  };
};

const HASH = `$6$${'s'.repeat(16)}$${'h'.repeat(86)}`;

const scheduled = (instanceId: string, process = 'web', port: number | null = 21_000) =>
  ({
    type: 'ScheduleInstance',
    instanceId,
    appId: 'a1',
    process,
    version: 1,
    generation: 1,
    nodeId: 'n1',
    port,
    containerPort: 8080,
  }) as const;
const started = { type: 'RecordStarted', containerId: 'a'.repeat(12), restarts: 0 } as const;
const ready = { type: 'RecordReady' } as const;
const exited = { type: 'RecordExited', exitCode: 1, oomKilled: false, logLines: [] } as const;
const retired = { type: 'RetireInstance', reason: 'superseded' } as const;

describe('ports', () => {
  const port = (number: number, process = 'web', containerPort: number | null = null) =>
    ({ type: 'AddPort', port: number, process, containerPort, baseVersion: null }) as const;
  const direct = { type: 'RecordReady', reach: 'direct' } as const;

  it('lead to instances of their process, at the port that it listens at', async () => {
    const { app, instance, desired } = await platform();
    await app(port(32_100));
    await app(port(32_101, 'broker', 1883));
    const address = '10.176.1.1';
    const broker = scheduled('b1', 'broker', 21_001);
    await instance('i1', { ...scheduled('i1'), address }, started, direct);
    await instance('b1', { ...broker, containerPort: 1883, address }, started, direct);
    const { hosts, endpoints } = await desired();
    expect([hosts.get('tcp:32100'), hosts.get('tcp:32101')]).toEqual(['a1', 'a1']);
    expect([...endpoints].map(([id, at]) => [id, at.host, at.port, at.want])).toEqual([
      ['i1', address, 8080, 'serving'],
      ['i1@32100', address, 8080, 'serving'],
      ['b1@32101', address, 1883, 'serving'],
    ]);
  });

  it('do not lead to what was made without one, nor past the port that is published', async () => {
    const { app, instance, desired } = await platform();
    await app(port(32_100, 'broker', 1883));
    await instance(
      'b1',
      { ...scheduled('b1', 'broker', null), containerPort: null },
      started,
      ready,
    );
    await instance('b2', { ...scheduled('b2', 'broker'), containerPort: 9000 }, started, ready);
    const { endpoints, unplaced } = await desired();
    expect([endpoints.size, [...(unplaced ?? [])]]).toEqual([
      0,
      [['b2', { appId: 'a1', want: 'serving' }]],
    ]);
  });

  it('go with their app, and leave instances that nothing leads to', async () => {
    const { app, instance, desired } = await platform();
    await app(port(32_100, 'broker', 8080));
    await instance('b1', scheduled('b1', 'broker'), started, ready);
    expect([...(await desired()).endpoints.keys()]).toEqual(['b1@32100']);
    await app({ type: 'RemovePort', port: 32_100 });
    const { hosts, endpoints, unplaced } = await desired();
    expect([hosts.has('tcp:32100'), endpoints.size, unplaced?.size]).toEqual([false, 0, 1]);
    await app({ type: 'DestroyApp', confirm: 'hello' });
    expect((await desired()).hosts.size).toBe(0);
  });
});

describe('desired routes', () => {
  it('say that an app starts as long as it has instances and none that is ready', async () => {
    const { instance, app, desired } = await platform();
    const notice = async () => (await desired()).notices.get('a1')?.kind;
    expect(await notice()).toBeUndefined();
    await instance('w1', scheduled('w1', 'worker', null));
    expect(await notice()).toBeUndefined();
    await instance('i1', scheduled('i1'));
    expect(await notice()).toBe('starting');
    await instance('i1', started, ready);
    await instance('i2', scheduled('i2'));
    expect(await notice()).toBeUndefined();
    await instance('i1', exited);
    expect(await notice()).toBe('starting');
    await app({ type: 'StopApp' });
    expect(await notice()).toBeUndefined();
  });

  it('let in those whose password can be read, and keep an app closed where none can', async () => {
    const { app, desired } = await platform();
    const change = (set: Record<string, string>, unset: string[] = [], opens = false) =>
      app({ type: 'ChangeBasicAuth', set, unset, opens });
    const users = async () => (await desired()).policies.get('a1')?.credentials?.users;
    expect(await users()).toBeUndefined();
    await change({ ann: 'enc1.a.b.c', bob: 'enc1.a.b.lost' });
    expect(await users()).toEqual({ ann: HASH });
    await change({}, ['ann']);
    expect(await users()).toEqual({});
    await change({}, ['bob'], true);
    expect(await users()).toBeUndefined();
    expect((await desired()).policies.size).toBe(0);
  });

  it('say what an instance speaks, as it was when it was made', async () => {
    const { instance, desired } = await platform();
    await instance('i1', scheduled('i1'), started, ready);
    await instance('i2', { ...scheduled('i2'), protocol: 'h2c' }, started, ready);
    const { endpoints } = await desired();
    expect([...endpoints.values()].map(({ protocol }) => protocol)).toEqual([undefined, 'h2c']);
  });

  it('bind every host of an app, whether or not it has an instance', async () => {
    const { app, desired } = await platform();
    await app({ type: 'AddDomain', host: 'www.example.org' });
    expect(Object.fromEntries((await desired()).hosts)).toEqual({
      'hello.example.com': 'a1',
      'www.example.org': 'a1',
    });
  });

  it('keep the name of an app from being taken over by the domain of another one', async () => {
    const { app, desired } = await platform();
    await app({ type: 'AddDomain', host: 'other.example.com' });
    await app({ type: 'CreateApp', appId: 'a2', name: 'other', teamId: 't2' }, 'a2');
    expect((await desired()).hosts.get('other.example.com')).toBe('a2');
  });

  it('have no domain that its team has yet to prove', async () => {
    const { app, domain, desired } = await platform();
    const host = '*.proven.example';
    const [since, until] = ['2026-11-26T10:00:00.000Z', '2026-12-03T10:00:00.000Z'];
    const proof = { since, until };
    await domain({ type: 'ReserveDomain', host, appId: 'a1', teamId: 't1', proof });
    await app({ type: 'AddDomain', host });
    expect((await desired()).hosts.has(host)).toBe(false);
    const look = { outcome: 'verified', reason: null, at: since } as const;
    await domain({ type: 'RecordDomainLook', appId: 'a1', look });
    expect((await desired()).hosts.get(host)).toBe('a1');
  });

  it('say what is done with a domain, and carry out no redirect that leads back to itself', async () => {
    const { app, desired } = await platform();
    const to = (host: string) => ({ kind: 'redirect', to: host, status: 308 }) as const;
    const strip = { kind: 'serve', strip: true } as const;
    await app({ type: 'AddDomain', host: '*.w.example', use: to('www.w.example') });
    await app({ type: 'AddDomain', host: 'www.w.example' });
    await app({ type: 'AddDomain', host: 'w.example/api', use: strip });
    const { hosts, uses } = await desired();
    expect([...hosts.keys()]).toEqual(
      expect.arrayContaining(['*.w.example', 'www.w.example', 'w.example/api']),
    );
    expect(Object.fromEntries(uses)).toEqual({
      '*.w.example': to('www.w.example'),
      'w.example/api': strip,
    });
    // Nothing nearer answers there any more: it would lead to itself.
    await app({ type: 'RemoveDomain', host: 'www.w.example' });
    expect(Object.fromEntries((await desired()).uses)).toEqual({ 'w.example/api': strip });
  });

  it.each([
    ['starting', [started], 'suspended'],
    ['ready', [started, ready], 'serving'],
    ['exited', [started, ready, exited], 'suspended'],
    [
      'started again, not ready',
      [started, ready, exited, { ...started, restarts: 1 }],
      'suspended',
    ],
    ['retired', [started, ready, retired], 'draining'],
  ] as const)('of an instance that is %s', async (_, commands, want) => {
    const { instance, desired } = await platform();
    await instance('i1', scheduled('i1'), ...commands);
    expect((await desired()).endpoints.get('i1')).toEqual({
      instanceId: 'i1',
      appId: 'a1',
      host: '10.0.0.1',
      port: 21_000,
      want,
      drainMs: 30_000,
      weight: 1,
    });
  });

  it('keep the place of an instance that is unready, and send nothing there', async () => {
    const { instance, desired } = await platform();
    const unready = { type: 'RecordUnready', cause: 'readiness', check: '', got: '' } as const;
    await instance('i1', scheduled('i1'), started, ready, unready);
    expect((await desired()).endpoints.get('i1')?.want).toBe('suspended');
    await instance('i1', ready);
    expect((await desired()).endpoints.get('i1')?.want).toBe('serving');
  });

  it('lead to the address of an instance where that was found to work', async () => {
    const { instance, desired } = await platform();
    const address = { address: '10.200.5.7' };
    const direct = { ...ready, reach: 'direct' } as const;
    await instance('i1', { ...scheduled('i1'), ...address }, started, direct);
    await instance('i2', { ...scheduled('i2'), ...address }, started, ready);
    await instance('i3', scheduled('i3'), started, direct);
    const { endpoints } = await desired();
    expect(endpoints.get('i1')).toMatchObject({ host: '10.200.5.7', port: 8080 });
    expect(endpoints.get('i2')).toMatchObject({ host: '10.0.0.1', port: 21_000 });
    expect(endpoints.get('i3')).toMatchObject({ host: '10.0.0.1', port: 21_000 });
  });

  it('leave out instances that are not web, or have no port', async () => {
    const { instance, desired } = await platform();
    await instance('i1', scheduled('i1', 'worker'), started, ready);
    await instance('i2', scheduled('i2', 'web', null), started, ready);
    expect((await desired()).endpoints.size).toBe(0);
  });

  it('serve nothing of an app that is stopped or destroyed', async () => {
    const { app, instance, desired } = await platform();
    await instance('i1', scheduled('i1'), started, ready);
    await app({ type: 'StopApp' });
    expect((await desired()).endpoints.get('i1')?.want).toBe('suspended');
    await app({ type: 'DestroyApp', confirm: 'hello' });
    const { hosts, endpoints, knownApps } = await desired();
    expect(hosts.size).toBe(0);
    expect(endpoints.get('i1')?.want).toBe('suspended');
    expect(['a1', 'a2'].filter((id) => knownApps.has(id))).toEqual(['a1']);
  });

  it('give a canary the requests that match, from its first step until its last', async () => {
    const { instance, rollout, desired } = await platform();
    await instance('old', scheduled('old'), started, ready);
    const fresh = (id: string) => ({ ...scheduled(id), version: 2, generation: 2 });
    await instance('i3', fresh('i3'), started, ready);
    await instance('i2', fresh('i2'), started, ready);
    const strategy = {
      ...({ kind: 'canary', match: 'header:x-canary=yes', promote: 'manual' } as const),
      ...{ steps: [0, 25], stepSeconds: 1, requests: 1, errorPoints: 1, latencyPercent: null },
    };
    await rollout({
      type: 'StartRollout',
      ...{ rolloutId: 'a1-g2', appId: 'a1', generation: 2, version: 2, fromVersion: 1 },
      ...{ deadline: '2999-01-01T00:00:00.000Z', strategy },
    });
    const seen = async () => {
      const { matches, endpoints } = await desired();
      const weights = ['old', 'i2', 'i3'].map((id) => endpoints.get(id)?.weight);
      return [weights, matches.get('a1') ?? null];
    };
    const match = { rule: 'header:x-canary=yes', instanceIds: ['i2', 'i3'] };
    const step = (n: number, percent: number) =>
      rollout({ type: 'StepRollout', step: n, percent, at: '2026-11-26T10:00:00.000Z' });
    expect(await seen()).toEqual([[1, 0, 0], null]);
    await step(1, 0);
    expect(await seen()).toEqual([[1, 0, 0], match]);
    await step(2, 25);
    expect(await seen()).toEqual([[6, 1, 1], match]);
    await instance('i3', retired);
    expect(await seen()).toEqual([[3, 1, 1], { ...match, instanceIds: ['i2'] }]);
    await step(3, 100);
    expect(await seen()).toEqual([[0, 1, 1], null]);
  });

  it('give what matches to nobody any more when a canary is cancelled', async () => {
    const { instance, rollout, desired } = await platform();
    await instance('old', scheduled('old'), started, ready);
    await instance('i2', { ...scheduled('i2'), version: 2, generation: 2 }, started, ready);
    await rollout({
      type: 'StartRollout',
      ...{ rolloutId: 'a1-g2', appId: 'a1', generation: 2, version: 2, fromVersion: 1 },
      deadline: '2999-01-01T00:00:00.000Z',
      strategy: {
        ...({ kind: 'canary', match: 'cookie:beta', promote: 'auto' } as const),
        ...{ steps: [0], stepSeconds: 1, requests: 1, errorPoints: 1, latencyPercent: null },
      },
    });
    await rollout({ type: 'StepRollout', step: 1, percent: 0, at: '2026-11-26T10:00:00.000Z' });
    expect((await desired()).matches.size).toBe(1);
    await rollout({ type: 'CancelRollout', cause: 'asked' });
    const { matches, endpoints } = await desired();
    expect([matches.size, endpoints.get('old')?.weight, endpoints.get('i2')?.weight]).toEqual([
      0, 1, 0,
    ]);
  });
});
