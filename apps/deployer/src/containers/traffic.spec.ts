import { describe, expect, it } from 'vitest';
import { APP, Simulation } from '../testing/simulation.js';
import { desiredApp } from './desired.js';
import { PROGRAMS } from './in-memory-container-engine.js';
import { Traffic } from './traffic.js';

/** HAProxy's own arithmetic: a sum that forgets 1/1024 with each request, told by its mean, rounded up. */
class Proxy {
  private sum = 0;
  requests = 0;
  errors = 0;
  serve(count: number, ms: number): this {
    for (let i = 0; i < count; i += 1) {
      this.sum = this.sum - Math.floor((this.sum + 1023) / 1024) + ms;
      this.requests += 1;
    }
    return this;
  }
  get counters() {
    const window = Math.min(1024, Math.max(1, this.requests));
    const meanMs = Math.floor((this.sum + window - 1) / window);
    return { requests: this.requests, errors: this.errors, meanMs };
  }
}

const canary = async () => {
  const simulation = await Simulation.create();
  await simulation.deploy(PROGRAMS.serve);
  await simulation.settle();
  const changes = { strategy: 'canary', canarySteps: '10', canaryStepSeconds: 600 } as const;
  await simulation.app({ type: 'ChangeSettings', changes, baseVersion: null } as never);
  await simulation.deploy(PROGRAMS.serve);
  await simulation.settle();
  const [old, fresh] = simulation.world.instancesOf(APP).map(({ instanceId }) => instanceId);
  if (old === undefined || fresh === undefined) throw new Error('there are no two instances');
  const traffic = new Traffic(simulation.world);
  const report = (instances: object) => traffic.take({ routerId: 'r1', appId: APP, instances });
  const measured = () => traffic.measured(desiredApp(simulation.world, APP));
  return { simulation, old, fresh, traffic, report, measured };
};

describe('what routers count of a canary', () => {
  it('is what came since its step began, apart for new and old', async () => {
    const { old, fresh, report, measured } = await canary();
    expect(measured()).toBeNull();
    report({
      [old]: { requests: 900, errors: 9, meanMs: 4 },
      [fresh]: { requests: 7, errors: 7, meanMs: 1 },
    });
    report({
      [old]: { requests: 990, errors: 9, meanMs: 4 },
      [fresh]: { requests: 17, errors: 8, meanMs: 1 },
    });
    expect(measured()).toMatchObject({
      fresh: { requests: 10, errors: 1 },
      old: { requests: 90, errors: 0 },
    });
  });

  it('begins anew where the proxy does, and is never less than nothing', async () => {
    const { fresh, report, measured } = await canary();
    report({ [fresh]: { requests: 500, errors: 5, meanMs: 1 } });
    report({ [fresh]: { requests: 3, errors: 1, meanMs: 1 } });
    expect(measured()?.fresh).toMatchObject({ requests: 3, errors: 1 });
  });

  it('is forgotten with its step', async () => {
    const { simulation, fresh, report, measured } = await canary();
    report({ [fresh]: { requests: 1, errors: 0, meanMs: 1 } });
    report({ [fresh]: { requests: 9, errors: 0, meanMs: 1 } });
    await simulation.app({ type: 'PromoteRollout', rolloutId: `${APP}-g2`, step: 2 } as never);
    await simulation.settle();
    expect(measured()).toBeNull();
  });

  it.each([
    ['a fresh place', 0, 0, 40, 25],
    ['a place that others had before', 5000, 300, 4000, 25],
    ['a place that others had before, and few requests', 5000, 300, 400, 25],
  ])('tells the response time of the new requests in %s', async (_, before, ms, count, now) => {
    const { fresh, report, measured } = await canary();
    const proxy = new Proxy().serve(before, ms);
    report({ [fresh]: proxy.counters });
    report({ [fresh]: proxy.serve(count, now).counters });
    const { meanMs = null, uncertainMs = 0 } = measured()?.fresh ?? {};
    expect(Math.abs((meanMs ?? 0) - now)).toBeLessThanOrEqual(uncertainMs + 0.5);
  });

  it('is taken from nobody who tells nonsense, and about no other app', async () => {
    const { traffic, report, measured } = await canary();
    expect(traffic.take('nonsense')).toBeUndefined();
    expect(traffic.take({ routerId: 'r1', appId: 'other', instances: {} })).toBeUndefined();
    report({ nobody: { requests: 1, errors: 0, meanMs: 0 } });
    expect(measured()?.fresh.requests).toBe(0);
  });
});
