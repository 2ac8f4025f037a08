import { InMemoryBus, InMemoryHub } from '@shiplog/bus';
import { worldFold } from '@shiplog/commands';
import { World, type CommandByAggregate, type GarbageItem } from '@shiplog/domain';
import type { Aggregate } from '@shiplog/events';
import { InMemoryEventLog, LogFeed } from '@shiplog/events/log';
import { createLogger, processContext, readConfig, type ProcessContext } from '@shiplog/runtime';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Collector } from './collector.js';
import { GarbageEngineError } from './garbage-engine.port.js';
import { InMemoryGarbageEngine } from './in-memory-garbage-engine.js';
import { serveRpc } from './serve-rpc.js';

const HOUR = 3_600_000;
const ann = { kind: 'user', id: 'u1', name: 'ann' } as const;

let log: InMemoryEventLog;
let context: ProcessContext;
let hub: InMemoryHub;
let engine: InMemoryGarbageEngine;
let collector: Collector;

const newContext = () => {
  const world = new World();
  const feed = new LogFeed(log).add(worldFold(world, 'test'));
  const config = readConfig({ SHIPLOG_HOME: '/nonexistent' });
  const bus = new InMemoryBus(hub, 'gc');
  return processContext({
    process: 'gc',
    config,
    log,
    world,
    feed,
    bus,
    logger: createLogger('error'),
  });
};

const given = async <A extends Aggregate>(
  aggregate: A,
  id: string,
  command: CommandByAggregate[A],
) => {
  const result = await context.commands.handle(aggregate, id, command, { actor: ann });
  if (result.outcome !== 'accepted') throw new Error(JSON.stringify(result));
  await context.feed.reach(result.position);
};

const scheduled = (instanceId: string) =>
  given('instance', instanceId, {
    type: 'ScheduleInstance',
    instanceId,
    appId: 'a1',
    process: 'web',
    version: 1,
    generation: 1,
    nodeId: 'node-1',
    port: 21_000,
    containerPort: 8080,
  });

const stopped = async (instanceId: string) => {
  await scheduled(instanceId);
  await given('instance', instanceId, { type: 'RetireInstance', reason: 'superseded' });
  const record = { type: 'RecordStopped', exitCode: 0, killed: false } as const;
  await given('instance', instanceId, record);
};

const putContainer = (instanceId: string, hours: number, more: { isRunning?: boolean } = {}) =>
  engine.containers.set(`c-${instanceId}`, {
    id: `c-${instanceId}`,
    instanceId,
    appId: 'a1',
    process: 'web',
    kind: null,
    stillSinceMs: Date.now() - hours * HOUR,
    imageId: 'm1',
    isRunning: false,
    ...more,
  });

const released = async (buildId: string, imageId: string) => {
  const source = { kind: 'image', ref: 'x' } as const;
  const image = { id: imageId, ref: 'x', sizeBytes: 1, exposedPorts: [], repoDigest: null };
  await given('app', 'a1', { type: 'RequestBuild', buildId, source });
  await given('build', buildId, { type: 'StartBuild', buildId, appId: 'a1', sourceDigest: null });
  const processes = { web: { command: null } };
  await given('build', buildId, {
    type: 'SucceedBuild',
    image,
    processes,
    stack: 'image',
    durationMs: 1,
  });
  await given('app', 'a1', {
    type: 'CreateRelease',
    image,
    buildId,
    processes,
    cause: 'image',
    liveVersion: null,
  });
};
const digestOf = (letter: string) => `sha256:${letter.repeat(64)}`;
const putImage = (id: string, buildId: string) =>
  engine.images.set(id, {
    id,
    buildId,
    appId: 'a1',
    kind: null,
    tags: [`shiplog/a1:${buildId}`],
    createdAtMs: Date.now() - 2 * HOUR,
    bytes: 7,
  });
const completed = async (generation: number, version: number) => {
  const rolloutId = `a1-g${generation}`;
  await given('rollout', rolloutId, {
    type: 'StartRollout',
    rolloutId,
    appId: 'a1',
    generation,
    version,
    fromVersion: null,
    deadline: '2099-01-01T00:00:00.000Z',
  });
  await given('rollout', rolloutId, { type: 'CompleteRollout' });
};

const idsOf = (items: readonly GarbageItem[]) => items.map(({ id }) => id);

beforeEach(async () => {
  log = new InMemoryEventLog();
  hub = new InMemoryHub();
  context = newContext();
  await context.feed.start();
  engine = new InMemoryGarbageEngine();
  collector = new Collector({ context, engine });
  await given('app', 'a1', { type: 'CreateApp', appId: 'a1', name: 'hello', teamId: 't1' });
  await given('garbage', 'node-1', {
    type: 'ChangePolicy',
    nodeId: 'node-1',
    exitedKept: 1,
    minimumAgeSeconds: 600,
  });
});
afterEach(() => context.feed.stop());

describe('collecting', () => {
  it('removes what is over, and records it', async () => {
    for (const [id, hours] of [
      ['i1', 3],
      ['i2', 2],
      ['i3', 1],
    ] as const) {
      await stopped(id);
      putContainer(id, hours);
    }
    expect(idsOf(await collector.preview())).toEqual(['c-i1', 'c-i2']);
    expect(engine.containers.size).toBe(3);
    expect(idsOf(await collector.collect())).toEqual(['c-i1', 'c-i2']);
    expect([...engine.containers.keys()]).toEqual(['c-i3']);
    const last = (await log.read('garbage.node-1')).at(-1)?.commit;
    expect(last).toMatchObject({
      actor: { kind: 'process', id: 'gc' },
      events: [{ type: 'GarbageCollected', data: { items: [{ id: 'c-i1' }, { id: 'c-i2' }] } }],
    });
  });

  it('appends nothing when there is nothing to collect', async () => {
    const before = await log.head();
    expect(await collector.collect()).toEqual([]);
    expect(await log.head()).toBe(before);
  });

  it('leaves alone what crashed and will be started again, and what the log does not know', async () => {
    for (const id of ['i1', 'i2', 'i3']) {
      await scheduled(id);
      putContainer(id, 9);
    }
    putContainer('stranger-1', 9);
    putContainer('stranger-2', 9);
    expect(await collector.collect()).toEqual([]);
  });

  it('finds what was over before it was started', async () => {
    for (const id of ['i1', 'i2']) {
      await stopped(id);
      putContainer(id, id === 'i1' ? 2 : 1);
    }
    const later = newContext();
    await later.feed.start();
    expect(idsOf(await new Collector({ context: later, engine }).collect())).toEqual(['c-i1']);
    await later.feed.stop();
  });

  it('leaves a container that the engine started again in the meantime', async () => {
    for (const id of ['i1', 'i2', 'i3']) {
      await stopped(id);
      putContainer(id, 3);
    }
    engine.beforeRemoval = (id) => putContainer(id.slice(2), 3, { isRunning: true });
    expect(await collector.collect()).toEqual([]);
    expect(engine.containers.size).toBe(3);
  });

  it('does not count what somebody else removed', async () => {
    for (const id of ['i1', 'i2']) {
      await stopped(id);
      putContainer(id, 3);
    }
    engine.beforeRemoval = (id) => engine.containers.delete(id);
    expect(await collector.collect()).toEqual([]);
  });

  it('removes no more than it was asked to, the oldest first', async () => {
    for (let i = 0; i < 9; i += 1) {
      await stopped(`i${i}`);
      putContainer(`i${i}`, 20 - i);
    }
    expect(idsOf(await collector.collect(3))).toEqual(['c-i0', 'c-i1', 'c-i2']);
  });

  it('gets past what cannot go, however many those are', async () => {
    for (let i = 0; i < 5; i += 1) {
      await stopped(`i${i}`);
      putContainer(`i${i}`, 20 - i);
    }
    engine.beforeRemoval = (id) => {
      if (['c-i0', 'c-i1'].includes(id)) throw new Error('input/output error');
    };
    expect(idsOf(await collector.collect(2))).toEqual(['c-i2', 'c-i3']);
  });

  it('asks an engine that is not there no further, and records what it removed before', async () => {
    for (let i = 0; i < 4; i += 1) {
      await stopped(`i${i}`);
      putContainer(`i${i}`, 20 - i);
    }
    const asked: string[] = [];
    engine.beforeRemoval = (id) => {
      asked.push(id);
      if (id !== 'c-i0') throw new GarbageEngineError('removing', {});
    };
    await expect(collector.collect()).rejects.toBeInstanceOf(GarbageEngineError);
    expect(asked).toEqual(['c-i0', 'c-i1']);
    expect((await log.read('garbage.node-1')).at(-1)?.commit.events[0]).toMatchObject({
      data: { items: [{ id: 'c-i0' }] },
    });
  });

  it('records what it removed before something went wrong', async () => {
    for (const id of ['i1', 'i2', 'i3']) {
      await stopped(id);
      putContainer(id, id === 'i1' ? 3 : 2);
    }
    engine.beforeRemoval = (id) => {
      if (id !== 'c-i1') throw new Error('engine is down');
    };
    expect(idsOf(await collector.collect())).toEqual(['c-i1']);
    expect((await log.read('garbage.node-1')).at(-1)?.commit.events[0]).toMatchObject({
      data: { items: [{ id: 'c-i1' }] },
    });
  });

  it('removes nothing while the log cannot be read', async () => {
    await stopped('i1');
    await stopped('i2');
    putContainer('i1', 3);
    putContainer('i2', 2);
    await context.feed.stop();
    await given('app', 'a2', { type: 'CreateApp', appId: 'a2', name: 'x', teamId: 't1' }).catch(
      () => undefined,
    );
    await expect(collector.collect()).rejects.toThrow('feed');
    expect(engine.containers.size).toBe(2);
  });
});

describe('images', () => {
  it('of releases that are kept stay, so that a rollback finds them', async () => {
    for (const [i, letter] of ['a', 'b', 'c'].entries()) {
      await released(`b${i + 1}`, digestOf(letter));
      await completed(i + 1, i + 1);
      putImage(digestOf(letter), `b${i + 1}`);
    }
    expect(await collector.preview()).toEqual([]);
    await given('app', 'a1', {
      type: 'ChangeSettings',
      changes: { releasesKept: 1 },
      baseVersion: 3,
    });
    await released('b4', digestOf('d'));
    await completed(4, 4);
    putImage(digestOf('d'), 'b4');
    const gone = await collector.collect();
    expect(gone).toMatchObject(
      ['a', 'b', 'c'].map((letter) => ({ kind: 'image', id: digestOf(letter), bytes: 7 })),
    );
  });

  it('stay while a container was made from them, and go after it', async () => {
    await released('b1', digestOf('a'));
    await completed(1, 1);
    putImage(digestOf('a'), 'b1');
    await stopped('i1');
    putContainer('i1', 2);
    engine.containers.set('c-i1', { ...engine.containers.get('c-i1')!, imageId: digestOf('a') });
    await given('app', 'a1', { type: 'DestroyApp', confirm: 'hello' });
    expect((await collector.collect()).map(({ kind }) => kind)).toEqual(['container', 'image']);
  });

  it('of a build that may still be released stay', async () => {
    await given('app', 'a1', {
      type: 'RequestBuild',
      buildId: 'b1',
      source: { kind: 'image', ref: 'x' },
    });
    const start = { type: 'StartBuild', buildId: 'b1', appId: 'a1', sourceDigest: null } as const;
    await given('build', 'b1', start);
    putImage(digestOf('a'), 'b1');
    expect(await collector.preview()).toEqual([]);
  });
});

describe('asked over the bus', () => {
  it('previews, collects, and changes the policy in the name of who asked', async () => {
    const end = serveRpc(context, collector);
    const api = new InMemoryBus(hub, 'api');
    for (const id of ['i1', 'i2']) {
      await stopped(id);
      putContainer(id, id === 'i1' ? 2 : 1);
    }
    expect(await api.request('gc', 'preview', {})).toMatchObject({ items: [{ id: 'c-i1' }] });
    expect(await api.request('gc', 'run', {})).toMatchObject({ items: [{ id: 'c-i1' }] });
    const answer = await api.request('gc', 'policy', {
      exitedKept: 7,
      minimumAgeSeconds: 1,
      context: { actor: ann, reason: 'because' },
    });
    await context.feed.reach((answer as { position: string }).position);
    expect(context.world.get('garbage', 'node-1').state).toMatchObject({ exitedKept: 7 });
    expect((await log.read('garbage.node-1')).at(-1)?.commit).toMatchObject({
      actor: ann,
      reason: 'because',
    });
    end();
    await api.close();
  });
});
