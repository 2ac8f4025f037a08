import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { releaseRunIdOf, rolloutIdOf } from '@shiplog/domain';
import { APP, Simulation } from '../testing/simulation.js';
import { PROGRAMS } from './in-memory-container-engine.js';

const MINUTE = 60_000;
const PROGRAM_OF = {
  works: PROGRAMS.exit(0),
  fails: PROGRAMS.exit(1),
  /** Until it is ended or told to end. */
  takesLong: PROGRAMS.serve,
};
type Program = keyof typeof PROGRAM_OF;
type Policy = Pick<Parameters<typeof setJob>[1], 'overlap' | 'missed'>;

const setJob = (
  simulation: Simulation,
  job: { program: Program; overlap: 'allow' | 'forbid' | 'replace'; missed: 'skip' | 'once' },
): Promise<unknown> =>
  simulation.app({
    type: 'SetCronJob',
    job: 'clean',
    schedule: '*/5 * * * *',
    timeZone: 'UTC',
    command: [...PROGRAM_OF[job.program]],
    overlap: job.overlap,
    missed: job.missed,
    timeoutSeconds: null,
    since: new Date(simulation.nowMs).toISOString(),
  } as never);

const processOf = (simulation: Simulation, process: string): string[] =>
  [...simulation.host.entries.values()].flatMap(({ id, status, spec }) =>
    status === 'running' && spec.labels['shiplog.process'] === process ? id : [],
  );

/** Looks at every start of a container: what must never be. */
const watch = (simulation: Simulation): string[] => {
  const wrong: string[] = [];
  simulation.host.watchers.add({
    platform: 'sim',
    notice: ({ what, containerId }) => {
      if (what === 'started') wrong.push(...faultsOfStart(simulation, containerId));
    },
  });
  return wrong;
};

const faultsOfStart = (simulation: Simulation, containerId: string): string[] => {
  const entry = simulation.host.entries.get(containerId);
  const id = entry?.instanceId ?? '';
  const faults: string[] = [];
  if (processOf(simulation, 'release').length > 1) faults.push('two release commands at once');
  const isRun = entry?.spec.labels['shiplog.kind'] === 'run';
  if (isRun && (simulation.host.starts.get(id) ?? 0) > 1) faults.push(`${id} ran twice`);
  if (!isRun && isTooEarly(simulation, id)) {
    faults.push(`${id} was started before the release command of its release succeeded`);
  }
  return faults;
};

const isTooEarly = (simulation: Simulation, instanceId: string): boolean => {
  const { state } = simulation.world.get('instance', instanceId);
  if (state.status === 'none') return false;
  const command = simulation.world.run(releaseRunIdOf(rolloutIdOf(APP, state.generation)));
  return command !== undefined && command.end?.outcome !== 'succeeded';
};

const heal = async (simulation: Simulation): Promise<void> => {
  simulation.host.isDown = false;
  simulation.boot();
  for (let i = 0; i < 12; i += 1) {
    await simulation.settle();
    simulation.advance(i < 8 ? 30_000 : 2 * MINUTE);
  }
  await simulation.settle();
};

type Move =
  | { kind: 'deploy'; program: Program }
  | { kind: 'job'; program: Program; policy: Policy }
  | { kind: 'finish'; exitCode: number }
  | { kind: 'die'; calls: number }
  | { kind: 'cancel' | 'stop' | 'start' | 'off' | 'on' | 'unset' }
  | { kind: 'wait'; ms: number };
const program = fc.constantFrom<Program[]>('works', 'works', 'fails', 'takesLong');
const move: fc.Arbitrary<Move> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('deploy' as const), program }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('job' as const),
      program,
      policy: fc.record({
        overlap: fc.constantFrom('allow' as const, 'forbid' as const, 'replace' as const),
        missed: fc.constantFrom('skip' as const, 'once' as const),
      }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('finish' as const), exitCode: fc.nat(1) }),
  },
  { weight: 7, arbitrary: fc.record({ kind: fc.constant('die' as const), calls: fc.nat(40) }) },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(8 * MINUTE) }),
  },
  fc.constantFrom<Move[]>(
    { kind: 'cancel' },
    { kind: 'stop' },
    { kind: 'start' },
    { kind: 'off' },
    { kind: 'on' },
    { kind: 'unset' },
  ),
);

const carryOut = async (simulation: Simulation, of: Move): Promise<void> => {
  switch (of.kind) {
    case 'deploy':
      return simulation.deploy(PROGRAMS.serve, PROGRAM_OF[of.program]);
    case 'job':
      return void (await setJob(simulation, { program: of.program, ...of.policy }));
    case 'unset':
      return void (await simulation.app({ type: 'RemoveCronJob', job: 'clean' } as never));
    case 'finish':
      for (const process of ['release', 'clean']) {
        for (const id of processOf(simulation, process)) simulation.engine.crash(id, of.exitCode);
      }
      return;
    case 'die':
      return simulation.dieAfter(of.calls);
    case 'cancel': {
      const rolloutId = rolloutIdOf(APP, simulation.world.app(APP)?.generation ?? 0);
      return void (await simulation.app({ type: 'CancelRollout', rolloutId } as never));
    }
    case 'stop':
    case 'start':
      return void (await simulation.app({
        type: of.kind === 'stop' ? 'StopApp' : 'StartApp',
      } as never));
    case 'off':
    case 'on':
      simulation.host.isDown = of.kind === 'off';
      return;
    case 'wait':
      return simulation.advance(of.ms);
  }
};

describe('any life of an app with a release command and a cron job', () => {
  it('starts no run twice, no two release commands at once, and nothing before its release command succeeded', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(move, { minLength: 1, maxLength: 14 }), async (moves) => {
        const simulation = await Simulation.create();
        const wrong = watch(simulation);
        for (const one of moves) {
          await carryOut(simulation, one);
          await simulation.settle();
          if (simulation.isDead) simulation.boot();
        }
        await simulation.app({ type: 'RemoveCronJob', job: 'clean' } as never);
        await heal(simulation);
        // One that was due before the job went may go on for as long as it wants.
        for (const id of processOf(simulation, 'clean')) simulation.engine.crash(id, 0);
        await simulation.settle();
        expect(wrong).toEqual([]);
        expect(simulation.broken).toEqual([]);
        expect(simulation.world.deployment(APP)?.target ?? null).toBeNull();
        expect(simulation.world.runsOf(APP).filter(({ status }) => status !== 'ended')).toEqual([]);
        expect(processOf(simulation, 'release')).toEqual([]);
      }),
      { numRuns: Number(process.env['SIMULATION_RUNS'] ?? 60) },
    );
  }, 60_000);
});

describe('a release command', () => {
  it('that fails leaves the deploy failed, with its exit code and last lines, and what served before', async () => {
    const simulation = await Simulation.create();
    await simulation.deploy(PROGRAMS.serve);
    await simulation.settle();
    await simulation.deploy(PROGRAMS.serve, PROGRAMS.exit(3));
    await simulation.settle();
    const { state } = simulation.world.get('rollout', rolloutIdOf(APP, 2));
    expect(state).toMatchObject({
      status: 'failed',
      explanation: {
        code: 'release-command-failed',
        exitCode: 3,
        summary: expect.stringContaining('exit 3'),
      },
    });
    expect(simulation.world.liveOf(APP)?.release.version).toBe(1);
    expect(simulation.running()).toHaveLength(1);
  });

  it('that takes too long is ended at its deadline, and its deploy fails', async () => {
    const simulation = await Simulation.create();
    await simulation.deploy(PROGRAMS.serve, PROGRAMS.serve);
    await simulation.settle();
    expect(processOf(simulation, 'release')).toHaveLength(1);
    simulation.advance(300_000);
    await simulation.settle();
    expect(simulation.world.get('rollout', rolloutIdOf(APP, 1)).state).toMatchObject({
      status: 'failed',
      explanation: { summary: expect.stringContaining('was not done after 300 s') },
    });
    expect(simulation.running()).toEqual([]);
  });

  it('is not run by a restart or a rollback: both bring back what was prepared for', async () => {
    const simulation = await Simulation.create();
    await simulation.deploy(PROGRAMS.serve, PROGRAMS.exit(0));
    await simulation.settle();
    await simulation.deploy(PROGRAMS.serve);
    await simulation.settle();
    await simulation.app({ type: 'RollBack', version: 1, liveVersion: 2 } as never);
    await simulation.settle();
    await simulation.app({ type: 'Restart', baseVersion: 3 } as never);
    await simulation.settle();
    expect(simulation.world.liveOf(APP)).toMatchObject({ generation: 4 });
    expect([...simulation.host.starts.keys()].filter((id) => id.startsWith('release'))).toEqual([
      releaseRunIdOf(rolloutIdOf(APP, 1)),
    ]);
  });
});

describe('a cron job', () => {
  const started = async (program: Program, policy: Policy): Promise<Simulation> => {
    const simulation = await Simulation.create();
    await simulation.deploy(PROGRAMS.serve);
    await simulation.settle();
    await setJob(simulation, { program, ...policy });
    await simulation.settle();
    return simulation;
  };
  it('runs at its time, once, and is told of with how it ended', async () => {
    const simulation = await started('works', { overlap: 'forbid', missed: 'skip' });
    expect(simulation.world.runsOf(APP)).toEqual([]);
    simulation.advance(5 * MINUTE);
    await simulation.settle();
    expect(simulation.world.runsOf(APP)).toMatchObject([
      {
        scheduledFor: '2026-01-01T00:05:00.000Z',
        status: 'ended',
        end: { outcome: 'succeeded', exitCode: 0 },
      },
    ]);
    simulation.boot();
    await simulation.settle();
    expect(simulation.world.runsOf(APP)).toHaveLength(1);
  });

  it('that nobody could start for an hour is made up for once, or told of', async () => {
    for (const [missed, expected] of [
      ['once', { outcome: 'succeeded' }],
      ['skip', { outcome: 'skipped', cause: 'missed' }],
    ] as const) {
      const simulation = await started('works', { overlap: 'forbid', missed });
      simulation.host.isDown = true;
      await simulation.settle();
      simulation.advance(62 * MINUTE);
      simulation.host.isDown = false;
      await simulation.settle();
      expect(simulation.world.runsOf(APP)).toMatchObject([
        { scheduledFor: '2026-01-01T01:00:00.000Z', missed: 11, end: expected },
      ]);
    }
  });

  it('that still runs when it is due again is let be, left out or replaced', async () => {
    for (const [overlap, running, ends] of [
      ['allow', 2, []],
      ['forbid', 1, ['overlap']],
      ['replace', 1, []],
    ] as const) {
      const simulation = await started('takesLong', { overlap, missed: 'skip' });
      for (let i = 0; i < 2; i += 1) {
        simulation.advance(5 * MINUTE);
        await simulation.settle();
      }
      expect(processOf(simulation, 'clean'), overlap).toHaveLength(running);
      const known = simulation.world.runsOf(APP);
      expect(
        known.flatMap(({ end }) => end?.cause ?? []),
        overlap,
      ).toEqual(ends);
    }
  });
});
