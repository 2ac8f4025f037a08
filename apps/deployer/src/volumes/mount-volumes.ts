import { volumesOf, type ActiveApp, type KnownVolume } from '@shiplog/domain';
import { fault } from '../faults.js';
import type { Mount } from '../containers/volume-store.js';
import type { Workbench } from '../containers/workbench.js';
import { engineVolumeOf } from './engine-volume.js';

/** The app, and the image that will have what is made. */
interface OfImage {
  readonly app: ActiveApp;
  readonly imageId: string;
}

/** What instances of a process type have. */
export const mountsOfProcess = (bench: Workbench, of: OfImage, process: string): Promise<Mount[]> =>
  mount(bench, of, volumesOf(of.app, process));

/**
 * What one-off commands have: everything that is shared. An exclusive volume is the one instance's alone,
 * and a command runs beside it.
 */
export const mountsOfRuns = (bench: Workbench, of: OfImage): Promise<Mount[]> =>
  mount(
    bench,
    of,
    Object.values(of.app.volumes).filter(({ shared }) => shared),
  );

const mount = async (
  bench: Workbench,
  of: OfImage,
  volumes: readonly KnownVolume[],
): Promise<Mount[]> => {
  const mounts: Mount[] = [];
  for (const volume of volumes) {
    mounts.push({ volume: await made(bench, of, volume), path: volume.path });
  }
  return mounts;
};

/**
 * Made once: from the moment at which that is in the log, an engine without it is one that lost it, and creating
 * the container says so.
 */
const made = async (
  bench: Workbench,
  { app, imageId }: OfImage,
  volume: KnownVolume,
): Promise<string> => {
  const { appId, name: appName } = app;
  const { volumeId, name, incarnation } = volume;
  const { platform, nodeId } = bench.context.config;
  const spec = engineVolumeOf(volume, { platform, appId, appName });
  const { state } = bench.context.world.get('volume', volumeId);
  const isMade = 'incarnation' in state && state.incarnation >= incarnation;
  if (isMade) return state.engineName;
  fault('before-create-volume');
  await bench.engine.volumes.ensure({ ...spec, first: { imageId, path: volume.path } });
  fault('after-create-volume');
  await bench.record(
    'volume',
    { id: volumeId, appId },
    {
      type: 'RecordVolumeCreated',
      ...{ volumeId, appId, name, incarnation, nodeId },
      engineName: spec.name,
    },
  );
  fault('after-record-volume-created');
  return spec.name;
};
