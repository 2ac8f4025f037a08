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

/** The world after so many commits of that life. */
const worldAfter = (count: number): World => {
  const world = new World();
  life.slice(0, count).forEach((event, i) => {
    const commit = { stream: 'instance.web-1', from: i, to: i + 1, events: [event], command: null };
    const at = String(i + 1);
    world.apply({ position: at, revision: at, hash: at, commit } as unknown as RecordedCommit);
  });
  return world;
};

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
