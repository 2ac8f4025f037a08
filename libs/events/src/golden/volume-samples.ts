import type { DomainEventUnion } from '../registry.js';

type DataOf<T extends DomainEventUnion['type']> = Extract<DomainEventUnion, { type: T }>['data'];
type VolumeEventType =
  | 'KeptVolumeRemoved'
  | Extract<DomainEventUnion['type'], `Volume${string}`>;
type VolumeSamples = { readonly [T in VolumeEventType]: DataOf<T> };

export const volumeSamples = ({
  appId,
  teamId,
}: {
  readonly appId: string;
  readonly teamId: string;
}): VolumeSamples => {
  const volumeId = 'vol_0123456789abcdef01234567';
  const of = { appId, volumeId, name: 'data' };
  const definition = {
    path: '/var/lib/data',
    processes: ['web', 'worker'],
    shared: true,
    sizeBytes: 1_073_741_824,
  };
  const fact = { volumeId, appId };
  const fill = { usedBytes: 1_100_000_000, sizeBytes: 1_073_741_824 };
  return {
    VolumeAdded: { ...of, ...definition },
    VolumeChanged: { ...of, ...definition, processes: [] },
    VolumeBackupChanged: {
      ...of,
      excluded: false,
      hook: { command: ['pg_dump', '-f', '/var/lib/data/dump.sql', 'shop'], timeoutSeconds: 300 },
    },
    VolumeRecreated: { ...of, incarnation: 2 },
    VolumeRemoved: of,
    VolumeCreated: {
      ...fact,
      name: 'data',
      incarnation: 2,
      nodeId: 'node-1',
      engineName: 'shiplog-shop-data-0123456789ab-2',
    },
    VolumeMissing: fact,
    VolumeFound: fact,
    VolumeAboveSize: { ...fact, ...fill },
    VolumeWithinSize: { ...fact, ...fill, usedBytes: 900_000_000 },
    VolumeDeleted: fact,
    KeptVolumeRemoved: { teamId, ...of },
  };
};
