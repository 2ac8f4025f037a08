import { describe, expect, it } from 'vitest';
import { liveAnyLife, liveThrough } from '../testing/any-life.js';
import { APP, Simulation } from '../testing/simulation.js';
import { PROGRAMS } from './in-memory-container-engine.js';

describe('any life of an app', () => {
  it('never has less than wanted by its own doing, and ends as the log wants it', async () => {
    await liveAnyLife(60);
  }, 60_000);
});

describe('a canary of an app that comes back from nothing', () => {
  it('leaves no moment in which all that is routed has a share of nothing', async () => {
    const [canarySteps, canaryPromote] = ['5', 'auto'];
    const changes = { strategy: 'canary', canarySteps, canaryStepSeconds: 30, canaryPromote };
    await liveThrough([
      { kind: 'deploy', program: 'serve' },
      { kind: 'strategy', changes },
      { kind: 'router-off' },
      { kind: 'scale', count: 0 },
      { kind: 'deploy', program: 'serve' },
      { kind: 'scale', count: 1 },
    ]);
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
