import fc from 'fast-check';
import { expect } from 'vitest';
import { limitsOf } from '@shiplog/domain';
import { carryOut, cure, move, type Move } from './moves.js';
import { APP, Simulation } from './simulation.js';

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
export const expectLimitsOfToday = ({ world, host }: Simulation): void => {
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

type Options = Parameters<typeof Simulation.create>[0];

/** Lives that life, heals everything, and expects the app to be as the log wants it. */
export const liveThrough = async (moves: readonly Move[], options: Options = {}): Promise<void> => {
  const simulation = await Simulation.create(options);
  for (const each of moves) {
    if (simulation.isDead) simulation.boot();
    await carryOut(simulation, each);
    if (!simulation.host.isDown) await simulation.settle();
  }
  await heal(simulation);
  await expectAsWanted(simulation);
};

export const liveAnyLife = async (numRuns: number, options: Options = {}): Promise<void> =>
  fc.assert(
    fc.asyncProperty(fc.array(move, { minLength: 1, maxLength: 14 }), (moves) =>
      liveThrough(moves, options),
    ),
    { numRuns: Number(process.env['SIMULATION_RUNS'] ?? numRuns) },
  );
