import { describe, expect, it } from 'vitest';
import { liveAnyLife } from '../testing/any-life.js';
import { APP, Simulation } from '../testing/simulation.js';
import { PROGRAMS } from './in-memory-container-engine.js';

describe('any life of an app of which no two instances may run at the same time', () => {
  it('never has two of them run, and ends as the log wants it', async () => {
    await liveAnyLife(40, { stopFirst: true });
  }, 60_000);

  it('nor with an exclusive volume, and no two have it', async () => {
    await liveAnyLife(40, { volume: true });
    const simulation = await Simulation.create({ volume: true });
    await simulation.deploy(PROGRAMS.serve);
    await simulation.settle();
    const [name] = [...simulation.host.volumes.keys()];
    const [id = ''] = simulation.running();
    expect(simulation.host.entries.get(id)?.spec.mounts).toEqual([{ volume: name, path: '/data' }]);
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
