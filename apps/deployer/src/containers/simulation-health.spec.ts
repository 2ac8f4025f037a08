import { describe, expect, it } from 'vitest';
import { APP, Simulation } from '../testing/simulation.js';
import { PROGRAMS } from './in-memory-container-engine.js';

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
