import { createHash } from 'node:crypto';
import type { KnownVolume } from '@shiplog/domain';
import { volumeLabels } from '@shiplog/engine';
import type { VolumeSpec } from '../containers/volume-store.js';

type Named = Pick<KnownVolume, 'volumeId' | 'name' | 'incarnation'>;

interface OfApp {
  readonly platform: string;
  readonly appId: string;
  readonly appName: string;
}

/**
 * As the engine calls it: for people to recognise, and by a hash of its id never that of another volume, be it
 * one of the same name in an app of the same name that was destroyed.
 */
export const engineNameOf = (
  { volumeId, name, incarnation }: Named,
  { platform, appName }: OfApp,
): string => {
  const hash = createHash('sha256').update(volumeId).digest('hex').slice(0, 12);
  const anew = incarnation === 1 ? '' : `-${incarnation}`;
  return `${platform}-${appName}-${name}-${hash}${anew}`;
};

export const engineVolumeOf = (volume: Named, of: OfApp): VolumeSpec => ({
  name: engineNameOf(volume, of),
  labels: volumeLabels({ ...of, volumeId: volume.volumeId }),
});
