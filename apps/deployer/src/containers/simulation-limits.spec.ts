import { describe, expect, it } from 'vitest';
import { expectLimitsOfToday } from '../testing/any-life.js';
import { MB } from '../testing/moves.js';
import { APP, Simulation } from '../testing/simulation.js';
import { PROGRAMS } from './in-memory-container-engine.js';

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
