import { describe, expect, it } from 'vitest';
import type { LeftVolume, SeenVolume } from '@shiplog/domain';
import { planVolumes, type VolumesInput } from './plan-volumes.js';

const seen = (more: Partial<SeenVolume> = {}): SeenVolume => ({
  status: 'created',
  volumeId: 'vol_1',
  appId: 'a1',
  name: 'data',
  incarnation: 1,
  nodeId: 'n1',
  engineName: 'p-shop-data-1',
  above: null,
  ...more,
});
const left = (more: Partial<LeftVolume> = {}): LeftVolume => ({
  volumeId: 'vol_1',
  name: 'data',
  path: '/data',
  sizeBytes: 100,
  incarnation: 1,
  appId: 'a1',
  appName: 'shop',
  teamId: 't1',
  isRemoved: true,
  ...more,
});
const planned = (more: Partial<VolumesInput>) =>
  planVolumes({
    made: [{ seen: seen(), sizeBytes: 100 }],
    left: [],
    there: new Set(['p-shop-data-1']),
    usage: new Map(),
    ...more,
  }).map((action) => (action.type === 'record' ? action.command : action.type));

describe('volumes', () => {
  it('that are as the log has them need nothing', () => {
    expect(planned({})).toEqual([]);
  });

  it('that the engine lost, or has again, are told once', () => {
    const of = { volumeId: 'vol_1', appId: 'a1' };
    const gone = { there: new Set<string>() };
    expect(planned(gone)).toEqual([{ type: 'RecordVolumeMissing', ...of }]);
    const missing = [{ seen: seen({ status: 'missing' }), sizeBytes: 100 }];
    expect(planned({ ...gone, made: missing })).toEqual([]);
    expect(planned({ made: missing })).toEqual([{ type: 'RecordVolumeFound', ...of }]);
  });

  it('that were measured are held against their size, as long as an app declares one', () => {
    const usage = new Map([['p-shop-data-1', 101]]);
    expect(planned({ usage })).toMatchObject([
      { type: 'RecordVolumeUsage', usedBytes: 101, sizeBytes: 100 },
    ]);
    expect(planned({ usage, made: [{ seen: seen(), sizeBytes: null }] })).toEqual([]);
  });

  it('that somebody wants deleted are deleted, whatever else is known of them', () => {
    expect(planned({ left: [left()] })).toEqual(['delete']);
    expect(planned({ left: [left()], made: [], there: new Set() })).toEqual(['delete']);
    expect(planned({ left: [left()], there: new Set() })).toEqual(['delete']);
    // Kept ones are watched as all others.
    expect(planned({ left: [left({ isRemoved: false })] })).toEqual([]);
  });
});
