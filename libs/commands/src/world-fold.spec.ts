import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { World, rolloutIdOf, type CommandByAggregate } from '@shiplog/domain';
import { START, type Aggregate, type Position, type RecordedCommit } from '@shiplog/events';
import { InMemoryEventLog, LogFeed, type SnapshotStore } from '@shiplog/events/log';
import { CommandHandler } from './handle-command.js';
import { worldFold } from './world-fold.js';

type Step = {
  [A in Aggregate]: { aggregate: A; id: string; command: CommandByAggregate[A] };
}[Aggregate];

const actor = { kind: 'user', id: 'u1', name: 'ann' } as const;
const image = {
  id: `sha256:${'a'.repeat(64)}`,
  ref: 'hello:v1',
  sizeBytes: 1,
  exposedPorts: [8080],
  repoDigest: null,
};
const explanation = {
  code: 'exited',
  summary: 'it ended',
  remedy: null,
  tried: null,
  probe: null,
  listening: [],
  exitCode: 1,
  oomKilled: false,
  instanceId: null,
  logLines: [],
};
const processes = { web: { command: null } };

const app = fc.constantFrom('a1', 'a2');
const number = fc.integer({ min: 1, max: 4 });
const step = <A extends Aggregate>(
  aggregate: A,
  id: string,
  command: CommandByAggregate[A],
): Step => ({ aggregate, id, command }) as unknown as Step;

const intent = fc.tuple(app, number, fc.nat(12)).map(([appId, n, kind]): Step => {
  const commands: readonly CommandByAggregate['app'][] = [
    { type: 'CreateApp', appId, name: `app-${appId}`, teamId: 't1' },
    { type: 'RequestBuild', buildId: `${appId}-b${n}`, source: { kind: 'image', ref: 'hello:v1' } },
    {
      type: 'CreateRelease',
      image,
      buildId: `${appId}-b${n}`,
      processes,
      cause: 'image',
      liveVersion: null,
    },
    { type: 'Scale', formation: { web: n } },
    { type: 'ChangeSettings', changes: { port: 3000 + n }, baseVersion: null },
    { type: 'Restart', baseVersion: null },
    { type: 'StopApp' },
    { type: 'StartApp' },
    { type: 'AddDomain', host: `www${n}.example.com` },
    { type: 'RemoveDomain', host: `www${n}.example.com` },
    { type: 'RollBack', version: n, liveVersion: null },
    { type: 'CancelBuild', buildId: `${appId}-b${n}` },
    { type: 'DestroyApp', confirm: n === 1 ? `app-${appId}` : 'no' },
  ];
  return step('app', appId, commands[kind] ?? { type: 'StopApp' });
});

const name = fc.tuple(app, fc.boolean()).map(([appId, reserve]): Step => {
  const id = `app-${appId}`;
  return step(
    'name',
    id,
    reserve
      ? { type: 'ReserveName', name: id, appId, teamId: 't1' }
      : { type: 'ReleaseName', appId },
  );
});

const build = fc.tuple(app, number, fc.nat(3)).map(([appId, n, kind]): Step => {
  const buildId = `${appId}-b${n}`;
  const commands: readonly CommandByAggregate['build'][] = [
    { type: 'StartBuild', buildId, appId, sourceDigest: null },
    { type: 'SucceedBuild', image, processes, stack: 'image', durationMs: 1 },
    { type: 'FailBuild', explanation },
    { type: 'CancelBuild' },
  ];
  return step('build', buildId, commands[kind] ?? { type: 'CancelBuild' });
});

const rollout = fc.tuple(app, number, fc.nat(3)).map(([appId, generation, kind]): Step => {
  const rolloutId = rolloutIdOf(appId, generation);
  const commands: readonly CommandByAggregate['rollout'][] = [
    {
      type: 'StartRollout',
      rolloutId,
      appId,
      generation,
      version: generation,
      fromVersion: null,
      deadline: '2026-11-21T10:05:00.000Z',
    },
    { type: 'CompleteRollout' },
    { type: 'FailRollout', explanation },
    { type: 'CancelRollout', cause: 'superseded' },
  ];
  return step('rollout', rolloutId, commands[kind] ?? { type: 'CompleteRollout' });
});

const instance = fc.tuple(app, number, fc.nat(5)).map(([appId, n, kind]): Step => {
  const instanceId = `${appId}-i${n}`;
  const commands: readonly CommandByAggregate['instance'][] = [
    {
      type: 'ScheduleInstance',
      instanceId,
      appId,
      process: 'web',
      version: n,
      generation: n,
      nodeId: 'node-1',
      port: 21_000 + n,
      containerPort: 8080,
    },
    { type: 'RecordStarted', containerId: 'a'.repeat(64), restarts: n },
    { type: 'RecordReady' },
    { type: 'RecordExited', exitCode: 1, oomKilled: false, logLines: ['bye'] },
    { type: 'RetireInstance', reason: 'superseded' },
    { type: 'RecordStopped', exitCode: 0, killed: false },
  ];
  return step('instance', instanceId, commands[kind] ?? { type: 'RecordReady' });
});

const router = fc.tuple(app, number, fc.nat(4)).map(([appId, n, kind]): Step => {
  const ids = [`${appId}-i${n}`];
  const routes = { type: 'RecordRoutes', position: START } as const;
  const none = { routed: [], unrouted: [], drained: [] };
  const commands: readonly CommandByAggregate['router'][] = [
    { type: 'StartRouter', routerId: 'r1', kind: 'haproxy' },
    { ...routes, ...none, routed: ids },
    { ...routes, ...none, unrouted: ids },
    { ...routes, ...none, drained: ids },
    { type: 'RemoveRouter' },
  ];
  return step('router', 'r1', commands[kind] ?? { type: 'RemoveRouter' });
});

/** Without apps and a router nearly everything after would be refused. */
const beginning: readonly Step[] = [
  ...['a1', 'a2'].map((appId) =>
    step('app', appId, { type: 'CreateApp', appId, name: `app-${appId}`, teamId: 't1' }),
  ),
  step('router', 'r1', { type: 'StartRouter', routerId: 'r1', kind: 'haproxy' }),
];

const history = fc
  .array(fc.oneof(intent, name, build, rollout, instance, router), {
    minLength: 1,
    maxLength: 150,
    size: 'max',
  })
  .map((steps) => [...beginning, ...steps]);

/** A log as the deciders make it: what they refuse is not in it. */
const logOf = async (steps: readonly Step[]): Promise<InMemoryEventLog> => {
  const log = new InMemoryEventLog();
  const world = new World();
  const feed = new LogFeed(log).add(worldFold(world, 'test'));
  await feed.start();
  const handler = new CommandHandler({ log, world, feed });
  for (const [n, { aggregate, id, command }] of steps.entries()) {
    await handler.handle(aggregate, id, command, {
      actor,
      command: { id: `c${n}`, digest: 'd' },
    });
    await feed.catchUp();
  }
  await feed.stop();
  return log;
};

/** The same log, read in batches of the given sizes. */
class ChoppedLog extends InMemoryEventLog {
  constructor(
    private readonly inner: InMemoryEventLog,
    private readonly sizes: readonly number[],
    private reads = 0,
  ) {
    super();
  }
  override readAfter(after: Position, limit: number): Promise<readonly RecordedCommit[]> {
    const size = this.sizes[this.reads++ % this.sizes.length] ?? limit;
    return this.inner.readAfter(after, Math.min(limit, size));
  }
  override head(): Promise<Position> {
    return this.inner.head();
  }
}

const foldOf = (records: readonly RecordedCommit[]): unknown => {
  const world = new World();
  for (const record of records) world.apply(record);
  return asJson(world);
};

const asJson = (world: World): unknown => JSON.parse(JSON.stringify(world.snapshot())) as unknown;

describe('the world of a log', () => {
  it('is the same in whatever batches the log is read', async () => {
    await fc.assert(
      fc.asyncProperty(
        history,
        fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 10 }),
        async (steps, sizes) => {
          const log = await logOf(steps);
          const world = new World();
          const feed = new LogFeed(new ChoppedLog(log, sizes)).add(worldFold(world, 'test'));
          await feed.start();
          expect(asJson(world)).toEqual(foldOf(await log.readAfter(START, 1_000)));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('is the same from a snapshot at any position as from the beginning', async () => {
    await fc.assert(
      fc.asyncProperty(history, fc.nat(1_000), async (steps, cut) => {
        const log = await logOf(steps);
        const records = await log.readAfter(START, 1_000);
        const at = cut % (records.length + 1);
        const before = new World();
        for (const record of records.slice(0, at)) before.apply(record);

        const restored = new World();
        restored.restore(asJson(before));
        for (const record of records.slice(at)) restored.apply(record);
        expect(asJson(restored)).toEqual(foldOf(records));
      }),
      { numRuns: 60 },
    );
  });

  it('is the same for a feed that was stopped and started with snapshots', async () => {
    await fc.assert(
      fc.asyncProperty(history, async (steps) => {
        const log = await logOf(steps);
        const saved = new Map<string, string>();
        const store: SnapshotStore = {
          place: 'memory',
          load: (key) => Promise.resolve(JSON.parse(saved.get(key) ?? 'null') ?? undefined),
          save: (key, snapshot) => {
            saved.set(key, JSON.stringify(snapshot));
            return Promise.resolve();
          },
        };
        for (let start = 0; start < 2; start += 1) {
          const world = new World();
          const feed = new LogFeed(log, store).add(worldFold(world, 'test'));
          await feed.start();
          expect(asJson(world)).toEqual(foldOf(await log.readAfter(START, 1_000)));
          await feed.stop();
        }
      }),
      { numRuns: 20 },
    );
  });
});
