import { CommandHandler, worldFold } from '@shiplog/commands';
import { World, type AppCommand, type InstanceCommand } from '@shiplog/domain';
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
  return {
    app,
    instance,
    desired: async () => {
      await feed.catchUp();
      return desiredRoutes(world, { domain: 'example.com', instanceHost: '10.0.0.1' });
    },
  };
};

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

describe('desired routes', () => {
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
    });
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
});
