import fc from 'fast-check';
import { PROGRAMS } from '../containers/in-memory-container-engine.js';
import { APP, type Simulation } from './simulation.js';

export type Move =
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
export const move: fc.Arbitrary<Move> = fc.oneof(
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

export const MB = 1024 * 1024;
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

export const carryOut = async (simulation: Simulation, of: Move): Promise<void> => {
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

export const cure = (simulation: Simulation): void => {
  simulation.sick.clear();
  simulation.dead.clear();
  for (const { id } of simulation.host.entries.values()) simulation.engine.unpause(id);
};
