import { describe, expect, it } from 'vitest';
import { rolloutIdOf, World, type CommandByAggregate } from '@shiplog/domain';
import type { Aggregate } from '@shiplog/events';
import { InMemoryEventLog, LogFeed } from '@shiplog/events/log';
import { CommandHandler } from './handle-command.js';
import { worldFold } from './world-fold.js';

const actor = { kind: 'user', id: 'u1', name: 'ann' } as const;
const image = {
  ...{ id: `sha256:${'a'.repeat(64)}`, ref: 'hello:v1', sizeBytes: 1, exposedPorts: [8080] },
  repoDigest: null,
};
const processes = { web: { command: null } };

const platform = async () => {
  const log = new InMemoryEventLog();
  const world = new World();
  const feed = new LogFeed(log).add(worldFold(world, 'test'));
  await feed.start();
  const commands = new CommandHandler({ log, world, feed });
  const given = async <A extends Aggregate>(
    aggregate: A,
    id: string,
    command: CommandByAggregate[A],
  ) => {
    const result = await commands.handle(aggregate, id, command, { actor });
    await feed.catchUp();
    return result;
  };
  return { log, world, given };
};
type Given = Awaited<ReturnType<typeof platform>>['given'];

const liveApp = async (given: Given, appId: string, name: string) => {
  const buildId = `${appId}-b1`;
  const rolloutId = rolloutIdOf(appId, 1);
  await given('name', name, { type: 'ReserveName', name, appId, teamId: 't1' });
  await given('app', appId, { type: 'CreateApp', appId, name, teamId: 't1' });
  const host = `www.${name}.example.com`;
  await given('domain', `d-${name}`, { type: 'ReserveDomain', host, appId, teamId: 't1' });
  const source = { kind: 'image', ref: 'hello:v1' } as const;
  await given('app', appId, { type: 'RequestBuild', buildId, source });
  await given('build', buildId, { type: 'StartBuild', buildId, appId, sourceDigest: null });
  const built = { image, processes, stack: 'image', durationMs: 1 } as const;
  await given('build', buildId, { type: 'SucceedBuild', ...built });
  const release = { image, buildId, processes, cause: 'image', liveVersion: null } as const;
  await given('app', appId, { type: 'CreateRelease', ...release });
  await given('rollout', rolloutId, {
    ...{ type: 'StartRollout', rolloutId, appId, generation: 1, version: 1, fromVersion: null },
    deadline: '2026-11-21T10:05:00.000Z',
  });
  const instanceId = `${appId}-i1`;
  await given('instance', instanceId, {
    ...{ type: 'ScheduleInstance', instanceId, appId, process: 'web', version: 1, generation: 1 },
    ...{ nodeId: 'node-1', port: 21_000, containerPort: 8080 },
  });
  await given('rollout', rolloutId, { type: 'CompleteRollout' });
};

const destroyed = async (given: Given, appId: string, name: string) => {
  await given('app', appId, { type: 'DestroyApp', confirm: name });
  await given('name', name, { type: 'ReleaseName', appId });
  await given('domain', `d-${name}`, { type: 'ReleaseDomain', appId });
  const instanceId = `${appId}-i1`;
  await given('instance', instanceId, { type: 'RetireInstance', reason: 'destroyed' });
  await given('instance', instanceId, { type: 'RecordStopped', exitCode: 0, killed: false });
};

/** Without where the log stands. */
const keptOf = (world: World) => ({ ...world.snapshot(), at: undefined });

describe('the world after an app was destroyed', () => {
  it('keeps nothing of it but whose it was, however much there was of it', async () => {
    const { given, world } = await platform();
    const before = keptOf(world);
    await liveApp(given, 'a1', 'hello');
    expect(world.liveOf('a1')?.release.version).toBe(1);
    await destroyed(given, 'a1', 'hello');
    const { destroyedApps, ...rest } = keptOf(world);
    expect(rest).toEqual({ ...before, destroyedApps: undefined });
    expect(destroyedApps).toHaveLength(1);
    expect(world.get('app', 'a1')).toMatchObject({
      state: { status: 'destroyed', appId: 'a1', name: 'hello', teamId: 't1' },
      version: 5,
    });
    expect(world.knowsApp('a1')).toBe(true);
    expect(world.apps()).toEqual([]);
  });

  it('keeps what still runs of it until its worker ended it', async () => {
    const { given, world } = await platform();
    await liveApp(given, 'a1', 'hello');
    const source = { kind: 'image', ref: 'hello:v2' } as const;
    await given('app', 'a1', { type: 'RequestBuild', buildId: 'b2', source });
    const ids = { buildId: 'b2', appId: 'a1' };
    await given('build', 'b2', { type: 'StartBuild', ...ids, sourceDigest: null });
    await given('app', 'a1', { type: 'Restart', baseVersion: null });
    await given('rollout', rolloutIdOf('a1', 2), {
      ...{ type: 'StartRollout', rolloutId: rolloutIdOf('a1', 2), appId: 'a1', generation: 2 },
      ...{ version: 1, fromVersion: 1, deadline: '2026-11-21T10:05:00.000Z' },
    });
    await destroyed(given, 'a1', 'hello');
    expect([...world.all('build')]).toMatchObject([{ buildId: 'b2', status: 'running' }]);
    expect(world.rolloutsOf('a1')).toMatchObject([{ generation: 2, status: 'running' }]);
    await given('build', 'b2', { type: 'CancelBuild' });
    const cancel = { type: 'CancelRollout', cause: 'app-destroyed' } as const;
    await given('rollout', rolloutIdOf('a1', 2), cancel);
    expect([...world.all('build'), ...world.all('rollout')]).toEqual([]);
    expect(world.snapshot().parts).toEqual([]);
  });

  it('decides on the log where it forgot: names are given again, builds and rollouts are not begun again', async () => {
    const { given, world, log } = await platform();
    await liveApp(given, 'a1', 'hello');
    await destroyed(given, 'a1', 'hello');
    await liveApp(given, 'a2', 'hello');
    expect(world.appByName('hello')?.appId).toBe('a2');
    const taken = { type: 'ReserveName', name: 'hello', appId: 'a3', teamId: 't1' } as const;
    expect(await given('name', 'hello', taken)).toMatchObject({ outcome: 'rejected' });
    expect((await log.read('name.hello')).map(({ commit }) => commit.to)).toEqual([1, 2, 3]);

    const head = await log.head();
    const ids = { buildId: 'a1-b1', appId: 'a1' };
    const start = { type: 'StartBuild', ...ids, sourceDigest: null } as const;
    expect(await given('build', 'a1-b1', start)).toMatchObject({
      outcome: 'rejected',
      rejection: { code: 'build-not-running', status: 'succeeded' },
    });
    await given('app', 'a1', { type: 'DestroyApp', confirm: 'hello' });
    const again = { type: 'CreateApp', appId: 'a1', name: 'other', teamId: 't1' } as const;
    expect(await given('app', 'a1', again)).toMatchObject({ outcome: 'rejected' });
    expect(await given('app', 'a1', { type: 'StopApp' })).toMatchObject({
      rejection: { code: 'app-destroyed', name: 'hello' },
    });
    expect(await log.head()).toBe(head);
  });

  it('does not come back with what is said of its builds afterwards', async () => {
    const { given, world } = await platform();
    await liveApp(given, 'a1', 'hello');
    await destroyed(given, 'a1', 'hello');
    const kept = keptOf(world);
    await given('build', 'a1-b1', {
      type: 'RecordRebuiltImage',
      image: { ...image, id: 'sha256:b' },
    });
    expect(keptOf(world)).toEqual(kept);
  });
});
