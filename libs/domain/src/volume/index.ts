import type { VolumeEvent } from '@shiplog/events';
import { accept, type Decider } from '../decider.js';

type EventData<T extends VolumeEvent['type']> = Extract<VolumeEvent, { type: T }>['data'];

export type VolumeFactCommand =
  | ({ type: 'RecordVolumeCreated' } & EventData<'VolumeCreated'>)
  | ({ type: 'RecordVolumeMissing' | 'RecordVolumeFound' } & EventData<'VolumeMissing'>)
  | ({ type: 'RecordVolumeUsage' } & EventData<'VolumeAboveSize'>)
  | ({ type: 'RecordVolumeDeleted' } & EventData<'VolumeDeleted'>);

/** A volume as the engine had it last. */
export interface SeenVolume extends EventData<'VolumeCreated'> {
  readonly status: 'created' | 'missing';
  /** Null while no more is in it than declared. */
  readonly above: { readonly usedBytes: number; readonly sizeBytes: number } | null;
}
export type VolumeState = { readonly status: 'none' } | { readonly status: 'deleted' } | SeenVolume;

/** Below this share of its size it is told to be within it again: what swings around it is told once. */
const WITHIN_SHARE = 0.95;

const isSeen = (state: VolumeState): state is SeenVolume =>
  state.status === 'created' || state.status === 'missing';

/** What the deployer saw of one volume. Observations that say nothing new append nothing. */
export const volume: Decider<VolumeState, VolumeFactCommand, VolumeEvent, never> = {
  initialState: { status: 'none' },
  decide: (command, state) => {
    const { volumeId, appId } = command;
    const of = { volumeId, appId };
    switch (command.type) {
      case 'RecordVolumeCreated': {
        const { type: _, ...data } = command;
        if (state.status === 'deleted') return accept();
        const isKnown = isSeen(state) && state.incarnation >= data.incarnation;
        return isKnown ? accept() : accept({ type: 'VolumeCreated', v: 1, data });
      }
      case 'RecordVolumeMissing':
        return state.status === 'created'
          ? accept({ type: 'VolumeMissing', v: 1, data: of })
          : accept();
      case 'RecordVolumeFound':
        return state.status === 'missing'
          ? accept({ type: 'VolumeFound', v: 1, data: of })
          : accept();
      case 'RecordVolumeUsage': {
        if (!isSeen(state)) return accept();
        const { usedBytes, sizeBytes } = command;
        const data = { ...of, usedBytes, sizeBytes };
        if (state.above === null) {
          return usedBytes > sizeBytes ? accept({ type: 'VolumeAboveSize', v: 1, data }) : accept();
        }
        return usedBytes <= sizeBytes * WITHIN_SHARE
          ? accept({ type: 'VolumeWithinSize', v: 1, data })
          : accept();
      }
      case 'RecordVolumeDeleted':
        return state.status === 'deleted'
          ? accept()
          : accept({ type: 'VolumeDeleted', v: 1, data: of });
    }
  },
  evolve: (state, event) => {
    if (event.type === 'VolumeCreated') return { status: 'created', ...event.data, above: null };
    if (event.type === 'VolumeDeleted') return { status: 'deleted' };
    if (!isSeen(state)) return state;
    switch (event.type) {
      case 'VolumeMissing':
        return { ...state, status: 'missing' };
      case 'VolumeFound':
        return { ...state, status: 'created' };
      case 'VolumeAboveSize': {
        const { usedBytes, sizeBytes } = event.data;
        return { ...state, above: { usedBytes, sizeBytes } };
      }
      case 'VolumeWithinSize':
        return { ...state, above: null };
    }
  },
};
