import { describe, it } from 'vitest';
import type { VolumeEvent } from '@shiplog/events';
import { given } from '../testing/given.js';
import { volume } from './index.js';

const of = { volumeId: 'vol_1', appId: 'a1' };
const made = (incarnation = 1) => ({
  ...of,
  name: 'data',
  incarnation,
  nodeId: 'n1',
  engineName: `p-shop-data-${incarnation}`,
});
const created = (incarnation = 1): VolumeEvent => ({
  type: 'VolumeCreated',
  v: 1,
  data: made(incarnation),
});
const lost: VolumeEvent = { type: 'VolumeMissing', v: 1, data: of };
const above: VolumeEvent = {
  type: 'VolumeAboveSize',
  v: 1,
  data: { ...of, usedBytes: 101, sizeBytes: 100 },
};
const used = (usedBytes: number, sizeBytes = 100) =>
  ({ type: 'RecordVolumeUsage', ...of, usedBytes, sizeBytes }) as const;

describe('a volume on the engine', () => {
  it('is created once, and once more for each time that it is made anew', () => {
    given(volume)()
      .when({ type: 'RecordVolumeCreated', ...made() })
      .then(created());
    given(volume)(created())
      .when({ type: 'RecordVolumeCreated', ...made() })
      .thenNothing();
    given(volume)(created(), lost)
      .when({ type: 'RecordVolumeCreated', ...made(2) })
      .then(created(2));
    given(volume)(created(2))
      .when({ type: 'RecordVolumeCreated', ...made(1) })
      .thenNothing();
  });

  it('is lost and found once each', () => {
    given(volume)()
      .when({ type: 'RecordVolumeMissing', ...of })
      .thenNothing();
    given(volume)(created())
      .when({ type: 'RecordVolumeMissing', ...of })
      .then(lost);
    given(volume)(created(), lost)
      .when({ type: 'RecordVolumeMissing', ...of })
      .thenNothing();
    given(volume)(created(), lost)
      .when({ type: 'RecordVolumeFound', ...of })
      .then({ type: 'VolumeFound', v: 1, data: of });
  });

  it('is told to be above its size once, until there is clearly less in it', () => {
    given(volume)(created()).when(used(100)).thenNothing();
    given(volume)(created()).when(used(101)).then(above);
    given(volume)(created(), above).when(used(300)).thenNothing();
    given(volume)(created(), above).when(used(99)).thenNothing();
    given(volume)(created(), above)
      .when(used(95))
      .then({ type: 'VolumeWithinSize', v: 1, data: { ...of, usedBytes: 95, sizeBytes: 100 } });
    // More was declared meanwhile.
    given(volume)(created(), above)
      .when(used(101, 200))
      .then({ type: 'VolumeWithinSize', v: 1, data: { ...of, usedBytes: 101, sizeBytes: 200 } });
  });

  it('is deleted, and that is told also of one whose making is not in the log', () => {
    const gone: VolumeEvent = { type: 'VolumeDeleted', v: 1, data: of };
    for (const history of [[], [created()], [created(), lost]]) {
      given(volume)(...history)
        .when({ type: 'RecordVolumeDeleted', ...of })
        .then(gone);
    }
    given(volume)(created(), gone)
      .when({ type: 'RecordVolumeDeleted', ...of })
      .thenNothing();
  });
});
