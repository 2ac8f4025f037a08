import type { VolumeDocument } from '../documents.js';
import type { EventNamed } from '../projection.js';

export const VOLUME_EVENTS = [
  'VolumeAdded',
  'VolumeChanged',
  'VolumeBackupChanged',
  'VolumeRecreated',
  'VolumeRemoved',
  'VolumeCreated',
  'VolumeMissing',
  'VolumeFound',
  'VolumeAboveSize',
  'VolumeWithinSize',
  'VolumeDeleted',
] as const;

type VolumeEvent = EventNamed<(typeof VOLUME_EVENTS)[number]>;

/** Volumes of an app after what happened to one of them, by name. */
export const evolveVolumeDocuments = (
  volumes: readonly VolumeDocument[],
  event: VolumeEvent,
): readonly VolumeDocument[] => {
  const { volumeId } = event.data;
  const change = (changes: Partial<VolumeDocument>): readonly VolumeDocument[] =>
    volumes.map((one) => (one.volumeId === volumeId ? { ...one, ...changes } : one));
  switch (event.type) {
    case 'VolumeAdded': {
      const { appId: _, ...volume } = event.data;
      const added = { ...volume, incarnation: 1, state: 'declared', aboveBytes: null } as const;
      return [...volumes, added].toSorted((a, b) => (a.name < b.name ? -1 : 1));
    }
    case 'VolumeChanged': {
      const { appId: _, ...volume } = event.data;
      return change(volume);
    }
    case 'VolumeBackupChanged': {
      const { excluded, hook } = event.data;
      return change({ backup: { excluded, hook } });
    }
    case 'VolumeRecreated':
      return change({ incarnation: event.data.incarnation, state: 'declared', aboveBytes: null });
    case 'VolumeRemoved':
    case 'VolumeDeleted':
      return volumes.filter((one) => one.volumeId !== volumeId);
    case 'VolumeCreated':
    case 'VolumeFound':
      return change({ state: 'created' });
    case 'VolumeMissing':
      return change({ state: 'missing' });
    case 'VolumeAboveSize':
      return change({ aboveBytes: event.data.usedBytes });
    case 'VolumeWithinSize':
      return change({ aboveBytes: null });
  }
};
