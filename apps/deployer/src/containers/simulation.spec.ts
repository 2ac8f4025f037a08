import { limitsOf } from '@shiplog/domain';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { APP, Simulation } from '../testing/simulation.js';
import { PROGRAMS } from './in-memory-container-engine.js';

type Move =
  | { kind: 'scale'; count: number }
  | { kind: 'deploy'; program: 'serve' | 'exit' | 'hang' }
  | { kind: 'crash' | 'remove' | 'sick' | 'dead' | 'pause'; index: number }
  | { kind: 'die'; calls: number }
  | { kind: 'stop' | 'start' | 'cancel' | 'restart' | 'router-off' | 'router-on' }
  | { kind: 'engine-off' | 'engine-on' | 'cure' | 'check-liveness' }
  | { kind: 'strategy'; changes: object }
  | { kind: 'promote'; step: number }
  | { kind: 'faulty'; parity: 0 | 1 | null }
  | { kind: 'resize'; megabytes: number; own: boolean }
  | { kind: 'drift' | 'fill'; index: number }
  | { kind: 'resizes-off' | 'resizes-on' }
  | { kind: 'wait'; ms: number };

const simple = (
  kind:
    | 'stop'
    | 'start'
    | 'cancel'
    | 'restart'
    | 'router-off'
    | 'router-on'
    | 'engine-off'
    | 'engine-on'
    | 'cure'
    | 'check-liveness'
    | 'resizes-off'
    | 'resizes-on',
) => fc.constant<Move>({ kind });
/** Waits long enough to be met, short enough to end while a life heals. */
const strategy: fc.Arbitrary<Move> = fc.record({
  kind: fc.constant('strategy' as const),
  changes: fc.oneof(
    fc.record({
      strategy: fc.constant('rolling'),
      batch: fc.constantFrom('1', '2', '50%', '100%'),
      batchPauseSeconds: fc.constantFrom(0, 20),
    }),
    fc.record({ strategy: fc.constant('blue-green'), retainSeconds: fc.constantFrom(0, 40) }),
    fc.record({
      strategy: fc.constant('canary'),
      canarySteps: fc.constantFrom('5', '10,50'),
      canaryStepSeconds: fc.constant(30),
      canaryPromote: fc.constantFrom('auto', 'manual'),
    }),
  ),
});
const move: fc.Arbitrary<Move> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('scale' as const), count: fc.nat(4) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('deploy' as const),
      program: fc.constantFrom(
        'serve' as const,
        'serve' as const,
        'exit' as const,
        'hang' as const,
      ),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('crash' as const), index: fc.nat(5) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('remove' as const), index: fc.nat(5) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('sick' as const), index: fc.nat(5) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('dead' as const), index: fc.nat(5) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pause' as const), index: fc.nat(5) }) },
  simple('cure'),
  simple('check-liveness'),
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('die' as const), calls: fc.nat(40) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(90_000) }) },
  { weight: 4, arbitrary: strategy },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('promote' as const),
      step: fc.integer({ min: 1, max: 4 }),
    }),
  },
  fc.record({
    kind: fc.constant('faulty' as const),
    parity: fc.constantFrom(0 as const, 1 as const, null),
  }),
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('resize' as const),
      megabytes: fc.constantFrom(64, 128, 256),
      own: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('drift' as const), index: fc.nat(5) }) },
  fc.record({ kind: fc.constant('fill' as const), index: fc.nat(5) }),
  simple('resizes-off'),
  simple('resizes-on'),
  simple('stop'),
  simple('start'),
  simple('cancel'),
  simple('restart'),
  simple('router-off'),
  { weight: 2, arbitrary: simple('router-on') },
  simple('engine-off'),
  { weight: 2, arbitrary: simple('engine-on') },
);

const MB = 1024 * 1024;
const PROGRAM_OF = { serve: PROGRAMS.serve, exit: PROGRAMS.exit(1), hang: PROGRAMS.print('hm') };

type OfLimits = Extract<Move, { kind: 'resize' | 'drift' | 'fill' | 'resizes-off' | 'resizes-on' }>;

const carryOutResize = async (simulation: Simulation, of: OfLimits): Promise<void> => {
  switch (of.kind) {
    case 'resize':
      return simulation.resize(of.megabytes * MB, of.own);
    case 'drift': {
      // `docker update` by hand.
      const id = simulation.running()[of.index];
      if (id !== undefined) simulation.engine.drift(id, { memoryBytes: 99 * MB });
      return;
    }
    case 'fill':
      for (const entry of simulation.host.entries.values()) {
        entry.memoryInUse = (of.index % 3) * 100 * MB;
      }
      return;
    case 'resizes-off':
    case 'resizes-on':
      simulation.host.isResizeRefused = of.kind === 'resizes-off';
      return;
  }
};

const carryOut = async (simulation: Simulation, of: Move): Promise<void> => {
  switch (of.kind) {
    case 'scale':
      return void (await simulation.app({ type: 'Scale', formation: { web: of.count } }));
    case 'deploy':
      return simulation.deploy(PROGRAM_OF[of.program]);
    case 'crash': {
      const id = simulation.running()[of.index];
      if (id !== undefined) simulation.engine.crash(id);
      return;
    }
    case 'remove': {
      const id = [...simulation.host.entries.keys()][of.index];
      if (id !== undefined) simulation.engine.take(id);
      return;
    }
    case 'sick':
    case 'dead': {
      const id = simulation.running()[of.index];
      if (id !== undefined) simulation[of.kind].add(id);
      return;
    }
    case 'pause': {
      const id = simulation.running()[of.index];
      if (id !== undefined) simulation.engine.pause(id);
      return;
    }
    case 'cure':
      return cure(simulation);
    case 'check-liveness':
      return void (await simulation.checkLiveness());
    case 'die':
      return simulation.dieAfter(of.calls);
    case 'stop':
      return void (await simulation.app({ type: 'StopApp' }));
    case 'start':
      return void (await simulation.app({ type: 'StartApp' }));
    case 'restart':
      return void (await simulation.app({ type: 'Restart', baseVersion: null }));
    case 'strategy':
      return void (await simulation.app({
        type: 'ChangeSettings',
        changes: of.changes,
        baseVersion: null,
      } as never));
    case 'promote': {
      const rolloutId = `${APP}-g${simulation.world.app(APP)?.generation ?? 0}`;
      return void (await simulation.app({
        type: 'PromoteRollout',
        rolloutId,
        step: of.step,
      } as never));
    }
    case 'faulty':
      simulation.faultyParity = of.parity;
      return;
    case 'cancel': {
      const rolloutId = `${APP}-g${simulation.world.app(APP)?.generation ?? 0}`;
      return void (await simulation.app({ type: 'CancelRollout', rolloutId }));
    }
    case 'router-off':
    case 'router-on':
      simulation.routerWorks = of.kind === 'router-on';
      return;
    case 'engine-off':
    case 'engine-on':
      simulation.host.isDown = of.kind === 'engine-off';
      return;
    case 'wait':
      return simulation.advance(of.ms);
    default:
      return carryOutResize(simulation, of);
  }
};

const cure = (simulation: Simulation): void => {
  simulation.sick.clear();
  simulation.dead.clear();
  for (const { id } of simulation.host.entries.values()) simulation.engine.unpause(id);
};

/** Everything works again, and time goes on. */
const heal = async (simulation: Simulation): Promise<void> => {
  simulation.host.isDown = false;
  simulation.host.isResizeRefused = false;
  for (const entry of simulation.host.entries.values()) entry.memoryInUse = 0;
  simulation.routerWorks = true;
  cure(simulation);
  simulation.boot();
  for (let i = 0; i < 16; i += 1) {
    await simulation.settle();
    simulation.advance(i < 8 ? 30_000 : 120_000);
  }
  await simulation.settle();
};

/** Each container has them, and the log knows it. */
const expectLimitsOfToday = ({ world, host }: Simulation): void => {
  const app = world.app(APP);
  for (const { instanceId, containerId, process } of world.instancesOf(APP)) {
    const limits = app === undefined ? undefined : limitsOf(app, process);
    expect(host.entries.get(containerId ?? '')?.limits).toEqual(limits);
    expect(world.isResizing(instanceId)).toBe(false);
  }
};

/** What has to be so after any life, once everything works and time has passed. */
const expectAsWanted = async (simulation: Simulation): Promise<void> => {
  expect(simulation.broken).toEqual([]);
  const { world } = simulation;
  const app = world.app(APP);
  const live = world.liveOf(APP);
  const wanted = live === null || app?.stopped === true ? 0 : (app?.formation['web'] ?? 0);
  const instances = world.instancesOf(APP);
  // Nothing on its way any more: every rollout has ended, nothing old is left.
  expect(world.deployment(APP)?.target ?? null).toBeNull();
  expect(world.rolloutsOf(APP).filter(({ status }) => status === 'running')).toEqual([]);
  expect(instances).toHaveLength(wanted);
  // As many containers as wanted run, each on a port of its own, each known to the log.
  expect(new Set(instances.map(({ port }) => port)).size).toBe(wanted);
  // A live release that crashes (it went live while nothing was wanted of it) is tried for ever.
  if (live === null || live.release.processes['web']?.command?.[0] === 'serve') {
    expect(instances.every(({ status }) => status === 'ready')).toBe(true);
    expect(simulation.running().toSorted()).toEqual(
      instances.map(({ containerId }) => containerId).toSorted(),
    );
    expectLimitsOfToday(simulation);
    simulation.boot();
    // A round that changes nothing appends nothing.
    const head = await simulation.log.head();
    await simulation.settle();
    expect(await simulation.log.head()).toBe(head);
  }
};

describe('any life of an app', () => {
  it('never has less than wanted by its own doing, and ends as the log wants it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(move, { minLength: 1, maxLength: 14 }), async (moves) => {
        const simulation = await Simulation.create();
        for (const each of moves) {
          if (simulation.isDead) simulation.boot();
          await carryOut(simulation, each);
          if (!simulation.host.isDown) await simulation.settle();
        }
        await heal(simulation);

        await expectAsWanted(simulation);
      }),
      { numRuns: Number(process.env['SIMULATION_RUNS'] ?? 60) },
    );
  }, 60_000);
});

describe('any life of an app of which no two instances may run at the same time', () => {
  it('never has two of them run, and ends as the log wants it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(move, { minLength: 1, maxLength: 14 }), async (moves) => {
        const simulation = await Simulation.create({ stopFirst: true });
        for (const each of moves) {
          if (simulation.isDead) simulation.boot();
          await carryOut(simulation, each);
          if (!simulation.host.isDown) await simulation.settle();
        }
        await heal(simulation);
        await expectAsWanted(simulation);
      }),
      { numRuns: Number(process.env['SIMULATION_RUNS'] ?? 40) },
    );
  }, 60_000);

  it('stops the old one first, and brings it back when the new one fails', async () => {
    const simulation = await Simulation.create({ stopFirst: true });
    const pass = async (): Promise<void> => {
      for (let i = 0; i < 5; i += 1) {
        await simulation.settle();
        simulation.advance(5000);
      }
    };
    await simulation.deploy(PROGRAMS.serve);
    await pass();
    const first = simulation.running();
    await simulation.deploy(PROGRAMS.serve);
    await pass();
    expect(simulation.running()).toHaveLength(1);
    expect(simulation.running()).not.toEqual(first);
    expect(simulation.world.liveOf(APP)?.release.version).toBe(2);
    await simulation.deploy(PROGRAMS.exit(1));
    await pass();
    expect(simulation.world.rolloutsOf(APP).at(-1)).toMatchObject({ status: 'failed' });
    expect(simulation.world.instancesOf(APP)).toMatchObject([{ status: 'ready', version: 2 }]);
    expect(simulation.broken).toEqual([]);
  });

  it('is not scaled above one', async () => {
    const simulation = await Simulation.create({ stopFirst: true });
    await simulation.deploy(PROGRAMS.serve);
    expect(await simulation.app({ type: 'Scale', formation: { web: 2 } })).toMatchObject({
      outcome: 'rejected',
      rejection: { code: 'process-runs-once', processType: 'web', requested: 2 },
    });
  });
});

describe('changed limits', () => {
  const two = async (): Promise<Simulation> => {
    const simulation = await Simulation.create();
    await simulation.deploy(PROGRAMS.serve);
    await simulation.app({ type: 'Scale', formation: { web: 2 } });
    await simulation.settle();
    return simulation;
  };
  const eventsOf = async (simulation: Simulation, type: string) =>
    (await simulation.log.readAfter('00000000000000000000', 1000)).flatMap(({ commit }) =>
      commit.events.filter((event) => event.type === type),
    );
  const memoryOf = (simulation: Simulation) =>
    simulation.running().map((id) => simulation.host.entries.get(id)?.limits?.memoryBytes);

  it('reach what runs without a start, a rollout or another container', async () => {
    const simulation = await two();
    const before = simulation.running().map((id) => simulation.host.entries.get(id)?.startedAt);
    await simulation.resize(256 * MB, false);
    await simulation.settle();
    expect(memoryOf(simulation)).toEqual([256 * MB, 256 * MB]);
    const after = simulation.running().map((id) => simulation.host.entries.get(id)?.startedAt);
    expect(after).toEqual(before);
    expect(simulation.world.rolloutsOf(APP)).toHaveLength(1);
    expect(await eventsOf(simulation, 'InstanceResized')).toMatchObject([
      { data: { cause: 'asked' } },
      { data: { cause: 'asked' } },
    ]);
  });

  it('are those of a container that is made anew', async () => {
    const simulation = await two();
    await simulation.resize(256 * MB, true);
    await simulation.settle();
    simulation.engine.take(simulation.running()[0] ?? '');
    await simulation.settle();
    expect(memoryOf(simulation)).toEqual([256 * MB, 256 * MB]);
  });

  it('are put right when somebody else changes them, and the log says so', async () => {
    const simulation = await two();
    simulation.engine.drift(simulation.running()[0] ?? '', { memoryBytes: 99 * MB });
    await simulation.settle();
    expect(memoryOf(simulation)).toEqual([512 * MB, 512 * MB]);
    expect(await eventsOf(simulation, 'InstanceResized')).toMatchObject([
      { data: { cause: 'drift' } },
    ]);
  });

  it('below what an instance uses are refused, said once, and made when it uses less', async () => {
    const simulation = await two();
    const [full = ''] = simulation.running();
    const entry = simulation.host.entries.get(full);
    if (entry !== undefined) entry.memoryInUse = 200 * MB;
    await simulation.resize(128 * MB, false);
    for (let i = 0; i < 5; i += 1) {
      await simulation.settle();
      simulation.advance(10_000);
    }
    expect(memoryOf(simulation)).toEqual([512 * MB, 128 * MB]);
    expect(await eventsOf(simulation, 'InstanceResizeRefused')).toMatchObject([
      {
        data: {
          code: 'in-use',
          summary:
            'it uses 200 MB of memory, and a limit of 128 MB would end it; it keeps 512 MB until it uses less or is restarted',
        },
      },
    ]);
    if (entry !== undefined) entry.memoryInUse = 100 * MB;
    simulation.advance(300_000);
    await simulation.settle();
    expect(memoryOf(simulation)).toEqual([128 * MB, 128 * MB]);
    expect(simulation.broken).toEqual([]);
  });

  it('that the engine refuses are tried later and later, and at once when others are wanted', async () => {
    const simulation = await two();
    simulation.host.isResizeRefused = true;
    await simulation.resize(128 * MB, false);
    await simulation.settle();
    simulation.advance(500);
    simulation.host.isResizeRefused = false;
    await simulation.settle();
    expect(memoryOf(simulation)).toEqual([512 * MB, 512 * MB]);
    await simulation.resize(256 * MB, false);
    await simulation.settle();
    expect(memoryOf(simulation)).toEqual([256 * MB, 256 * MB]);
    expect(simulation.broken).toEqual([]);
  });

  it.each(Array.from({ length: 12 }, (_, i) => i))(
    'are in the log also when the process dies at its call %i',
    async (calls) => {
      const simulation = await two();
      await simulation.resize(256 * MB, false);
      simulation.dieAfter(calls);
      await simulation.settle();
      simulation.boot();
      await simulation.settle();
      expect(memoryOf(simulation)).toEqual([256 * MB, 256 * MB]);
      expectLimitsOfToday(simulation);
    },
  );

  it('come before the next start of what is out of memory again and again', async () => {
    const simulation = await two();
    await simulation.engine.stop(simulation.running()[0] ?? '');
    await simulation.resize(1024 * MB, false);
    await simulation.settle();
    expect(memoryOf(simulation)).toEqual([1024 * MB, 1024 * MB]);
  });
});

describe('an instance whose port or address somebody else took', () => {
  it.each(['portsTaken', 'addressesTaken'] as const)(
    'is given up for another one: %s',
    async (taken) => {
      const simulation = await Simulation.create();
      simulation.host[taken] = 3;
      await simulation.deploy(PROGRAMS.serve);
      for (let i = 0; i < 5; i += 1) {
        await simulation.settle();
        simulation.advance(1000);
      }
      expect(simulation.world.liveOf(APP)?.release.version).toBe(1);
      expect(simulation.world.instancesOf(APP)).toHaveLength(1);
      expect(simulation.running()).toHaveLength(1);
      expect(simulation.broken).toEqual([]);
    },
  );
});

describe('an instance that the engine refuses to start again', () => {
  const stoppedByHand = async (): Promise<Simulation> => {
    const simulation = await Simulation.create();
    await simulation.deploy(PROGRAMS.serve);
    await simulation.settle();
    await simulation.engine.stop(simulation.running()[0] ?? '');
    return simulation;
  };
  /** Tries within one moment: the clock stands still. */
  const triesOf = async (simulation: Simulation): Promise<number> => {
    simulation.host.startsRefused = 1000;
    await simulation.settle();
    return 1000 - simulation.host.startsRefused;
  };

  it('is tried later and later, and comes back when it works', async () => {
    const simulation = await stoppedByHand();
    expect(await triesOf(simulation)).toBe(2);
    simulation.advance(1000);
    expect(await triesOf(simulation)).toBe(1);
    simulation.advance(1000);
    expect(await triesOf(simulation)).toBe(0);
    simulation.advance(1000);
    simulation.host.startsRefused = 0;
    await simulation.settle();
    expect(simulation.running()).toHaveLength(1);
    // What worked once is tried at once the next time.
    await simulation.engine.stop(simulation.running()[0] ?? '');
    simulation.advance(20_000);
    expect(await triesOf(simulation)).toBe(2);
  });

  it('is replaced when its container never starts again, and not too early', async () => {
    const simulation = await stoppedByHand();
    const [container = ''] = simulation.host.entries.keys();
    simulation.host.broken.add(container);
    const instanceNow = () => simulation.world.instancesOf(APP)[0]?.instanceId;
    const before = instanceNow();
    for (let seconds = 0; seconds < 60; seconds += 1) {
      await simulation.settle();
      simulation.advance(1000);
    }
    expect(instanceNow()).toBe(before);
    for (let i = 0; i < 3; i += 1) {
      simulation.advance(30_000);
      await simulation.settle();
    }
    expect(simulation.running()).toHaveLength(1);
    expect(simulation.world.instancesOf(APP)).toMatchObject([{ status: 'ready' }]);
    expect(simulation.broken).toEqual([]);
  });

  it('is tried at once by an engine that is back', async () => {
    const simulation = await stoppedByHand();
    expect(await triesOf(simulation)).toBe(2);
    simulation.host.startsRefused = 0;
    simulation.reopen();
    await simulation.settle();
    expect(simulation.running()).toHaveLength(1);
  });
});

describe('an instance whose log cannot be read', () => {
  it('is started again, and its rollout ends, all the same', async () => {
    const simulation = await Simulation.create();
    simulation.host.isLogDamaged = true;
    await simulation.deploy(PROGRAMS.serve);
    await simulation.settle();
    await simulation.engine.stop(simulation.running()[0] ?? '');
    await simulation.settle();
    expect(simulation.running()).toHaveLength(1);
    await simulation.deploy(PROGRAMS.exit(1));
    for (let i = 0; i < 5; i += 1) {
      await simulation.settle();
      simulation.advance(5000);
    }
    expect(simulation.world.rolloutsOf(APP).at(-1)).toMatchObject({
      status: 'failed',
      explanation: { code: 'exited', logLines: [expect.stringContaining('unexpected EOF')] },
    });
    expect(simulation.broken).toEqual([]);
  });
});

describe('a container that the engine cannot show', () => {
  const two = async (): Promise<Simulation> => {
    const simulation = await Simulation.create();
    await simulation.deploy(PROGRAMS.serve);
    await simulation.app({ type: 'Scale', formation: { web: 2 } });
    await simulation.settle();
    return simulation;
  };

  it('is left alone while it runs, and hides no other', async () => {
    const simulation = await two();
    const [damaged = '', other = ''] = simulation.running();
    simulation.host.damaged.add(damaged);
    simulation.boot();
    await simulation.engine.stop(other);
    await simulation.settle();
    expect(simulation.running().toSorted()).toEqual([damaged, other].toSorted());
    expect(simulation.broken).toEqual([]);
  });

  it('is replaced when it does not run', async () => {
    const simulation = await two();
    const [damaged = '', other = ''] = simulation.running();
    await simulation.engine.stop(damaged);
    simulation.host.damaged.add(damaged);
    simulation.boot();
    await simulation.settle();
    expect(simulation.running()).toHaveLength(2);
    expect(simulation.running()).toContain(other);
    expect(simulation.running()).not.toContain(damaged);
    simulation.advance(60_000);
    await simulation.settle();
    expect(simulation.world.instancesOf(APP)).toHaveLength(2);
    expect(simulation.broken).toEqual([]);
  });
});

describe('an instance whose network somebody removed', () => {
  it('is replaced when it would have to be started again', async () => {
    const simulation = await Simulation.create();
    await simulation.deploy(PROGRAMS.serve);
    await simulation.settle();
    await simulation.engine.stop(simulation.running()[0] ?? '');
    simulation.host.networks.clear();
    for (let i = 0; i < 3; i += 1) {
      await simulation.settle();
      simulation.advance(30_000);
    }
    expect(simulation.running()).toHaveLength(1);
    expect(simulation.world.instancesOf(APP)).toMatchObject([{ status: 'ready' }]);
    expect(simulation.broken).toEqual([]);
  });
});

describe('an app for which no port is free', () => {
  it('fails at the deadline of its rollout and says so', async () => {
    const simulation = await Simulation.create();
    simulation.arePortsFree = false;
    await simulation.deploy(PROGRAMS.serve);
    for (let i = 0; i < 10; i += 1) {
      await simulation.settle();
      simulation.advance(60_000);
    }
    expect(simulation.world.rolloutsOf(APP)).toMatchObject([
      {
        status: 'failed',
        explanation: { code: 'no-place', summary: expect.stringContaining('is free') },
      },
    ]);
    expect(simulation.broken).toEqual([]);
  });
});

describe('an instance that ends just when it became ready', () => {
  it('is ready only when its next run was asked, too', async () => {
    const simulation = await Simulation.create();
    let found = (): void => undefined;
    simulation.reachFound = new Promise((resolve) => (found = resolve));
    await simulation.deploy(PROGRAMS.serve);
    await simulation.settle();
    await simulation.engine.stop(simulation.running()[0] ?? '');
    await simulation.settle();
    expect(simulation.world.instancesOf(APP)).toMatchObject([{ status: 'starting', restarts: 1 }]);
    found();
    await simulation.settle();
    const [instance] = simulation.world.instancesOf(APP);
    expect(instance?.status).toBe('ready');
    expect(simulation.asked).toContain(instance?.startedAt);
  });
});

describe('instances whose image has to be pulled', () => {
  it('all start as soon as it is there', async () => {
    const simulation = await Simulation.create();
    const [imageId = ''] = simulation.host.images;
    simulation.host.images.clear();
    simulation.host.registry.set(simulation.repoDigest, imageId);
    let pulled = (): void => undefined;
    simulation.host.pulling = new Promise((resolve) => (pulled = resolve));
    await simulation.deploy(PROGRAMS.serve);
    await simulation.app({ type: 'Scale', formation: { web: 3 } });
    for (let i = 0; i < 5; i += 1) {
      await simulation.settle();
      simulation.advance(8000);
    }
    pulled();
    await simulation.settle();
    expect(simulation.running()).toHaveLength(3);
  });
});

describe('an instance that crashed once and then runs without becoming ready', () => {
  it('is explained by what it does at the deadline', async () => {
    const simulation = await Simulation.create();
    const changes = { startTimeoutSeconds: 600 };
    await simulation.app({ type: 'ChangeSettings', changes, baseVersion: null });
    await simulation.deploy(PROGRAMS.print('waiting'));
    await simulation.settle();
    simulation.engine.crash(simulation.running()[0] ?? '');
    await simulation.settle();
    expect(simulation.world.instancesOf(APP)).toMatchObject([{ status: 'starting', restarts: 1 }]);
    simulation.advance(300_000);
    await simulation.settle();
    expect(simulation.world.rolloutsOf(APP)).toMatchObject([
      { status: 'failed', explanation: { code: 'unhealthy', tried: 'asked for 300 s' } },
    ]);
  });
});

describe('an instance that becomes unready', () => {
  /** Every event since then, by type, of all instances. */
  const typesSince = async (simulation: Simulation, head: string) =>
    (await simulation.log.readAfter(head, 10_000)).flatMap(({ commit }) =>
      commit.events.map(({ type }) => type),
    );
  const serving = async (count: number): Promise<Simulation> => {
    const simulation = await Simulation.create();
    await simulation.deploy(PROGRAMS.serve);
    await simulation.app({ type: 'Scale', formation: { web: count } });
    for (let i = 0; i < 4; i += 1) {
      await simulation.settle();
      simulation.advance(2_000);
    }
    expect(simulation.states()).toEqual(Array.from({ length: count }, () => 'ready'));
    return simulation;
  };

  it('is out of routing, and comes back by itself', async () => {
    const simulation = await serving(2);
    simulation.sick.add(simulation.running()[0] ?? '');
    const head = await simulation.log.head();
    simulation.advance(3_000);
    await simulation.settle();
    expect(simulation.states().toSorted()).toEqual(['ready', 'unready']);
    expect(await typesSince(simulation, head)).toEqual(['InstanceUnready', 'RoutesApplied']);
    // Nobody else takes its place, and nothing is started again.
    expect(simulation.running()).toHaveLength(2);
    simulation.sick.clear();
    simulation.advance(5_000);
    await simulation.settle();
    expect(simulation.states()).toEqual(['ready', 'ready']);
  });

  it('does not count in a rollout: what serves stays', async () => {
    const simulation = await serving(1);
    const [old] = simulation.running();
    await simulation.deploy(PROGRAMS.serve);
    simulation.routerWorks = false;
    await simulation.settle();
    const fresh = simulation.running().find((id) => id !== old) ?? '';
    simulation.sick.add(fresh);
    simulation.advance(5_000);
    await simulation.settle();
    simulation.routerWorks = true;
    await simulation.settle();
    expect(simulation.running()).toContain(old);
    expect(simulation.world.liveOf(APP)?.release.version).toBe(1);
    // At its deadline the rollout fails, and says what the check got.
    simulation.advance(300_000);
    await simulation.settle();
    const [, failed] = simulation.world.rolloutsOf(APP);
    expect(failed).toMatchObject({ status: 'failed' });
    expect(simulation.broken).toEqual([]);
    // Whoever was just told its name may still connect.
    simulation.advance(1_000);
    await simulation.settle();
    expect(simulation.running()).toEqual([old]);
  });

  it('is asked on by the next process of ours', async () => {
    const simulation = await serving(1);
    simulation.sick.add(simulation.running()[0] ?? '');
    simulation.advance(3_000);
    await simulation.settle();
    simulation.boot();
    await simulation.settle();
    expect(simulation.states()).toEqual(['unready']);
    simulation.sick.clear();
    simulation.advance(5_000);
    await simulation.settle();
    expect(simulation.states()).toEqual(['ready']);
  });

  it('is out of routing at once while somebody has it paused, and is not started again', async () => {
    const simulation = await serving(2);
    const [id = ''] = simulation.running();
    simulation.engine.pause(id);
    await simulation.settle();
    expect(simulation.states().toSorted()).toEqual(['ready', 'unready']);
    simulation.advance(600_000);
    await simulation.settle();
    simulation.engine.unpause(id);
    await simulation.settle();
    simulation.advance(5_000);
    await simulation.settle();
    expect(simulation.states()).toEqual(['ready', 'ready']);
    expect(Math.max(...simulation.host.starts.values())).toBe(1);
  });

  it('is started again where it does not live, one after the other', async () => {
    const simulation = await serving(3);
    await simulation.checkLiveness();
    await simulation.settle();
    // Each has to pass once before it can fail.
    simulation.advance(20_000);
    await simulation.settle();
    for (const id of simulation.running()) simulation.dead.add(id);
    const head = await simulation.log.head();
    let fewest = 3;
    simulation.feed.onBatch(() => {
      const ready = simulation.states().filter((state) => state === 'ready');
      fewest = Math.min(fewest, ready.length);
    });
    for (let i = 0; i < 120; i += 1) {
      simulation.advance(10_000);
      await simulation.settle();
      // A run that begins anew is well.
      for (const [id, { instanceId }] of simulation.host.entries) {
        if (simulation.host.starts.get(instanceId ?? '') === 2) simulation.dead.delete(id);
      }
    }
    const types = await typesSince(simulation, head);
    expect(types.filter((type) => type === 'InstanceUnready')).toHaveLength(3);
    expect(types.filter((type) => type === 'InstanceExited')).toHaveLength(3);
    expect([...simulation.host.starts.values()]).toEqual([2, 2, 2]);
    expect(fewest).toBe(2);
    expect(simulation.states()).toEqual(['ready', 'ready', 'ready']);
    expect(simulation.broken).toEqual([]);
  });

  it('is started again by the next process where the one that decided it died', async () => {
    for (let calls = 0; calls < 12; calls += 1) {
      const simulation = await serving(1);
      await simulation.checkLiveness();
      await simulation.settle();
      simulation.advance(20_000);
      await simulation.settle();
      const [id = ''] = simulation.running();
      simulation.dead.add(id);
      simulation.dieAfter(calls);
      for (let i = 0; i < 6 && !simulation.isDead; i += 1) {
        simulation.advance(15_000);
        await simulation.settle();
      }
      simulation.boot();
      for (let i = 0; i < 6; i += 1) {
        await simulation.settle();
        simulation.advance(15_000);
        if (simulation.host.starts.values().next().value === 2) simulation.dead.clear();
      }
      await simulation.settle();
      expect(simulation.states()).toEqual(['ready']);
      expect([...simulation.host.starts.values()]).toEqual([2]);
      expect(simulation.broken).toEqual([]);
    }
  });
});
