import type { CommandByAggregate } from '@shiplog/domain';

/** What makes two instances of `web` at the same time one too many. */
export const EXCLUSIVE_VOLUME: CommandByAggregate['app'] = {
  type: 'AddVolume',
  volumeId: 'vol_1',
  name: 'data',
  path: '/data',
  processes: ['web'],
  shared: false,
  sizeBytes: 2 ** 30,
  baseVersion: null,
};
