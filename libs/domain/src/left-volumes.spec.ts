import { describe, expect, it } from 'vitest';
import type { DomainEventUnion, RecordedCommit, StreamName } from '@shiplog/events';
import { samples } from '@shiplog/events/testing';
import { World } from './world.js';

const of = <T extends keyof typeof samples>(type: T, more: object = {}): DomainEventUnion =>
  ({ type, v: 1, data: { ...samples[type], ...more } }) as unknown as DomainEventUnion;

const { appId, volumeId } = samples.VolumeAdded;
const APP: StreamName = `app.${appId}`;

/** The world after commits of one stream each. */
const worldOf = (...commits: (readonly [StreamName, ...DomainEventUnion[]])[]): World => {
  const world = new World();
  commits.forEach(([stream, ...events], i) => {
    const commit = { stream, from: i, to: i + events.length, events, command: null };
    const at = String(i + 1);
    world.apply({ position: at, revision: at, hash: at, commit } as unknown as RecordedCommit);
  });
  return world;
};
const beginning = [
  [APP, of('AppCreated')],
  [APP, of('VolumeAdded')],
] as const;
const made = [`volume.${volumeId}` as StreamName, of('VolumeCreated')] as const;
const deleted = [`volume.${volumeId}` as StreamName, of('VolumeDeleted')] as const;

describe('volumes that no app declares any more', () => {
  it('are kept with what is in them when their app is destroyed', () => {
    const world = worldOf(...beginning, made, [APP, of('AppDestroyed')]);
    expect(world.leftVolumes.all()).toMatchObject([
      { volumeId, name: 'data', appName: 'hello', isRemoved: false },
    ]);
    const restored = new World();
    restored.restore(JSON.parse(JSON.stringify(world.snapshot())));
    expect(restored.leftVolumes.all()).toEqual(world.leftVolumes.all());
  });

  it('are deleted when that was asked for, and until then remembered', () => {
    const both = [APP, of('VolumeRemoved'), of('AppDestroyed')] as const;
    expect(worldOf(...beginning, made, both).leftVolumes.all()).toMatchObject([
      { volumeId, isRemoved: true },
    ]);
    const later = [APP, of('AppDestroyed')] as const;
    const purge = ['team.t' as StreamName, of('KeptVolumeRemoved')] as const;
    const purged = worldOf(...beginning, made, later, purge);
    expect(purged.leftVolumes.get(volumeId)).toMatchObject({ isRemoved: true });
    expect(worldOf(...beginning, made, both, deleted).leftVolumes.all()).toEqual([]);
  });

  it('have nothing to keep when they were never made', () => {
    const world = worldOf(...beginning, [APP, of('AppDestroyed')]);
    expect(world.leftVolumes.get(volumeId)).toMatchObject({ isRemoved: true });
  });
});
