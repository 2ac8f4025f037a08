import type { RecordedCommit } from '@shiplog/events';
import { describe, expect, it } from 'vitest';
import { World } from './world.js';

const scheduled = {
  type: 'InstanceScheduled',
  v: 1,
  data: {
    instanceId: 'web-1',
    appId: 'a1',
    process: 'web',
    version: 1,
    generation: 1,
    nodeId: 'n1',
    port: 20_001,
    containerPort: 8080,
    address: '10.176.1.1',
  },
} as const;
const ids = { instanceId: 'web-1', appId: 'a1' };
const life = [
  scheduled,
  { type: 'InstanceRetired', v: 1, data: { ...ids, reason: 'scaled-down' } },
  { type: 'InstanceStopped', v: 1, data: { ...ids, exitCode: 0, killed: false } },
] as const;

const worldAt = (commits: readonly { stream: string; events: readonly object[] }[]): World => {
  const world = new World();
  commits.forEach((of, i) => {
    const commit = { ...of, from: i, to: i + 1, command: null };
    const at = String(i + 1);
    world.apply({ position: at, revision: at, hash: at, commit } as unknown as RecordedCommit);
  });
  return world;
};

/** The world after so many commits of that life. */
const worldAfter = (count: number): World =>
  worldAt(life.slice(0, count).map((event) => ({ stream: 'instance.web-1', events: [event] })));

describe('the place of an instance', () => {
  const held = (world: World): boolean[] =>
    [20_001, '10.176.1.1', 20_002].map((place) => world.holds(place));

  it('is held from when it is scheduled until it was stopped', () => {
    expect([0, 1, 2, 3].map((count) => held(worldAfter(count)))).toEqual([
      [false, false, false],
      [true, true, false],
      [true, true, false],
      [false, false, false],
    ]);
    expect([0, 1, 2, 3].map((count) => worldAfter(count).instanceCount)).toEqual([0, 1, 1, 0]);
  });

  it('is known again from a snapshot', () => {
    const world = new World();
    world.restore(JSON.parse(JSON.stringify(worldAfter(1).snapshot())));
    expect(held(world)).toEqual([true, true, false]);
    expect(world.instanceCount).toBe(1);
  });
});

describe('what a router does with an instance', () => {
  const instance = (type: string, data: object) => ({
    stream: 'instance.web-1',
    events: [{ type, v: 1, data: { ...ids, ...data } }],
  });
  const routes = (told: object) => ({
    stream: 'router.r1',
    events: [
      { type: 'RoutesApplied', v: 1, data: { ...nobody, routerId: 'r1', position: '1', ...told } },
    ],
  });
  const nobody = { routed: [], unrouted: [], drained: [] };
  const router = {
    stream: 'router.r1',
    events: [{ type: 'RouterStarted', v: 1, data: { routerId: 'r1', kind: 'haproxy' } }],
  };
  const routeAfter = (...more: Parameters<typeof worldAt>[0][number][]) =>
    worldAt([{ stream: 'instance.web-1', events: [scheduled] }, router, ...more])
      .routers()[0]
      ?.routes.get('web-1');

  it('is not certain between its becoming ready again and what the router says next', () => {
    const ready = instance('InstanceReady', {});
    const out = routes({ unrouted: ['web-1'] });
    expect(routeAfter(out)).toBe('unrouted');
    expect(routeAfter(out, ready)).toBe('returning');
    expect(routeAfter(routes({ drained: ['web-1'] }), ready)).toBe('returning');
    expect(routeAfter(out, ready, out)).toBe('unrouted');
    // Whatever else it was told to do, it does still.
    expect(routeAfter(routes({ routed: ['web-1'] }), ready)).toBe('routed');
    expect(routeAfter(ready)).toBeUndefined();
  });
});
