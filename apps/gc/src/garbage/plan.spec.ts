import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BuiltImage, StillContainer } from './garbage-engine.port.js';
import { plan, type Actual, type Known } from './plan.js';

const HOUR = 3_600_000;
const NOW = 1000 * HOUR;
const policy = { status: 'known', exitedKept: 2, minimumAgeSeconds: 600 } as const;

const known = (more: Partial<Record<keyof Known, readonly string[] | boolean>> = {}): Known => {
  const setOf = (key: keyof Known, otherwise: string[] = []) =>
    new Set((more[key] as readonly string[] | undefined) ?? otherwise);
  return {
    stoppedInstances: setOf('stoppedInstances', ['i1', 'i2', 'i3', 'i4']),
    builds: setOf('builds', ['b1', 'b2']),
    apps: setOf('apps', ['a1']),
    destroyedApps: setOf('destroyedApps'),
    neededBuilds: setOf('neededBuilds'),
    neededImages: setOf('neededImages'),
    busyApps: setOf('busyApps'),
    isBuilding: more.isBuilding === true,
  };
};

const container = (id: string, hoursStill: number, more: Partial<StillContainer> = {}) => ({
  id: `c-${id}`,
  instanceId: id,
  appId: 'a1',
  process: 'web',
  kind: null,
  stillSinceMs: NOW - hoursStill * HOUR,
  ...more,
});

const image = (id: string, more: Partial<BuiltImage> = {}): BuiltImage => ({
  id,
  appId: 'a1',
  buildId: 'b1',
  kind: null,
  tags: [`shiplog/a1:${id}`],
  createdAtMs: NOW - 2 * HOUR,
  bytes: 10,
  ...more,
});

const idsOf = (actual: Partial<Actual>, of: Known = known()) =>
  plan(of, { containers: [], images: [], ...actual }, policy, NOW).map(({ id }) => id);

describe('containers of instances', () => {
  it('go oldest first, but for the newest ones of each process', () => {
    const containers = [
      container('i1', 4),
      container('i2', 1),
      container('i3', 3),
      container('i4', 2),
    ];
    expect(idsOf({ containers })).toEqual(['c-i1', 'c-i3']);
    const workers = [container('i1', 4), container('i2', 3, { process: 'worker' })];
    expect(idsOf({ containers: workers })).toEqual([]);
  });

  it('stay while they are young, also when the clock was put back', () => {
    const containers = [
      container('i1', 0.1),
      container('i2', 0.11),
      container('i3', 0.12),
      container('i4', -5),
    ];
    expect(idsOf({ containers })).toEqual([]);
  });

  it('stay while their instance is not over, or the log does not know it', () => {
    const containers = [
      container('i8', 9),
      container('i9', 9),
      container('x', 9, { instanceId: null }),
    ];
    expect(idsOf({ containers })).toEqual([]);
  });

  it('all go when their app was destroyed', () => {
    const containers = [container('i1', 2), container('i2', 1)];
    const of = known({ destroyedApps: ['a1'] });
    expect(plan(of, { containers, images: [] }, policy, NOW)).toMatchObject([
      { id: 'c-i1', reason: 'its app was destroyed' },
      { id: 'c-i2', reason: 'its app was destroyed' },
    ]);
  });
});

describe('one-off commands', () => {
  const run = { instanceId: null, process: 'run', kind: 'run' };
  it('go when they are old, of apps that the log knows', () => {
    const containers = [
      container('r1', 1, run),
      container('r2', 0.1, run),
      container('r3', 1, { ...run, appId: 'stranger' }),
    ];
    expect(idsOf({ containers })).toEqual(['c-r1']);
  });

  it('stay for a moment whatever the policy says: they may be about to start', () => {
    const containers = [container('r1', 0.1, run), container('r2', 0.001, run)];
    const atOnce = { ...policy, minimumAgeSeconds: 0 };
    const items = plan(known(), { containers, images: [] }, atOnce, NOW);
    expect(items.map(({ id }) => id)).toEqual(['c-r1']);
  });
});

describe('images', () => {
  it('go when no kept release needs them', () => {
    expect(idsOf({ images: [image('m1')] })).toEqual(['m1']);
    expect(idsOf({ images: [image('m1')] }, known({ neededBuilds: ['b1'] }))).toEqual([]);
    expect(idsOf({ images: [image('m1')] }, known({ neededImages: ['m1'] }))).toEqual([]);
  });

  it('stay while they are young, of an unknown build, or under a second name', () => {
    const images = [
      image('m1', { createdAtMs: NOW - HOUR / 2 }),
      image('m2', { buildId: 'unknown' }),
      image('m3', { tags: ['shiplog/a1:m3', 'mine:keep'] }),
    ];
    expect(idsOf({ images })).toEqual([]);
  });

  it('stay while anything is built, or their app is being deployed', () => {
    expect(idsOf({ images: [image('m1')] }, known({ isBuilding: true }))).toEqual([]);
    expect(idsOf({ images: [image('m1')] }, known({ busyApps: ['a1'] }))).toEqual([]);
  });

  it('of a build cache go with their app only', () => {
    const images = [image('m1', { kind: 'build-cache' })];
    expect(idsOf({ images })).toEqual([]);
    expect(idsOf({ images }, known({ destroyedApps: ['a1'] }))).toEqual(['m1']);
  });

  it('come after the containers that may hold them', () => {
    const of = known({ destroyedApps: ['a1'] });
    expect(idsOf({ containers: [container('i1', 2)], images: [image('m1')] }, of)).toEqual([
      'c-i1',
      'm1',
    ]);
  });
});

const anyId = fc.constantFrom('1', '2', '3', '4', '5');
const anySet = fc.uniqueArray(anyId).map((ids) => new Set(ids));
const anyKnown: fc.Arbitrary<Known> = fc.record({
  stoppedInstances: anySet,
  builds: anySet,
  apps: anySet,
  destroyedApps: anySet,
  neededBuilds: anySet,
  neededImages: anySet,
  busyApps: anySet,
  isBuilding: fc.boolean(),
});
const anyTime = fc.integer({ min: NOW - 3 * HOUR, max: NOW + HOUR });
const unique = { selector: ({ id }: { id: string }) => id };
const anyActual: fc.Arbitrary<Actual> = fc.record({
  containers: fc.uniqueArray(
    fc.record({
      id: fc.uuid(),
      instanceId: fc.option(anyId),
      appId: fc.option(anyId),
      process: fc.constantFrom('web', 'worker', null),
      kind: fc.constantFrom('run', null),
      stillSinceMs: anyTime,
    }),
    unique,
  ),
  images: fc.uniqueArray(
    fc.record({
      id: fc.uuid(),
      appId: fc.option(anyId),
      buildId: anyId,
      kind: fc.constantFrom('build-cache', null),
      tags: fc.array(fc.string(), { maxLength: 2 }),
      createdAtMs: anyTime,
      bytes: fc.nat(),
    }),
    unique,
  ),
});

describe('in any world', () => {
  it('takes nothing that is young, needed or unknown to the log', () => {
    fc.assert(
      fc.property(anyKnown, anyActual, (of, actual) => {
        const ids = new Set(plan(of, actual, policy, NOW).map(({ id }) => id));
        for (const { id, stillSinceMs, instanceId, appId } of actual.containers) {
          if (!ids.has(id)) continue;
          expect(NOW - stillSinceMs).toBeGreaterThanOrEqual(policy.minimumAgeSeconds * 1000);
          if (instanceId === null) expect(of.apps).toContain(appId);
          else expect(of.stoppedInstances).toContain(instanceId);
        }
        for (const { id, createdAtMs, buildId, kind } of actual.images) {
          if (!ids.has(id)) continue;
          expect(NOW - createdAtMs).toBeGreaterThanOrEqual(HOUR);
          expect(of.builds).toContain(buildId);
          expect(of.isBuilding).toBe(false);
          if (kind === null) expect(of.neededBuilds).not.toContain(buildId);
          expect(of.neededImages.has(id) && kind === null).toBe(false);
        }
      }),
    );
  });

  it('keeps the newest ones of each process of an app that lives', () => {
    fc.assert(
      fc.property(anyKnown, anyActual, (of, actual) => {
        const ids = new Set(plan(of, actual, policy, NOW).map(({ id }) => id));
        const over = actual.containers.filter(
          ({ instanceId, appId }) =>
            of.stoppedInstances.has(instanceId ?? '') && !of.destroyedApps.has(appId ?? ''),
        );
        for (const taken of over.filter(({ id }) => ids.has(id))) {
          const newer = over.filter(
            (one) =>
              one.appId === taken.appId &&
              one.process === taken.process &&
              !ids.has(one.id) &&
              one.stillSinceMs >= taken.stillSinceMs,
          );
          expect(newer.length).toBeGreaterThanOrEqual(policy.exitedKept);
        }
      }),
    );
  });

  it('has nothing left to do when all of it was done, wherever it was cut short before', () => {
    fc.assert(
      fc.property(anyKnown, anyActual, fc.nat(5), (of, actual, done) => {
        const without = (world: Actual, gone: ReadonlySet<string>): Actual => ({
          containers: world.containers.filter(({ id }) => !gone.has(id)),
          images: world.images.filter(({ id }) => !gone.has(id)),
        });
        const idsIn = (world: Actual) => plan(of, world, policy, NOW).map(({ id }) => id);
        const cut = without(actual, new Set(idsIn(actual).slice(0, done)));
        const whole = without(cut, new Set(idsIn(cut)));
        expect(idsIn(whole)).toEqual([]);
        expect(whole).toEqual(without(actual, new Set(idsIn(actual))));
      }),
    );
  });
});
