import { readFile, rename, writeFile } from 'node:fs/promises';
import { volumeLabels } from '@shiplog/engine';
import { pathsOf } from '@shiplog/runtime';
import { z } from 'zod';
import type { Manifest } from '../content/manifest.js';
import type { VolumeEngine } from '../engine/volume-engine.port.js';
import type { ReadContent } from '../parts/images.js';
import { placeVolume } from '../parts/volumes.js';

/** What a restore that is under way says of itself; what it made on the engine is its own to make again. */
const restoring = z.object({ volumes: z.array(z.string()).default([]) });

/** Volumes that a restore into this home made, and did not come to its end. */
export const volumesBegun = async (home: string): Promise<readonly string[]> => {
  const marker = await readFile(pathsOf(home).restoring, 'utf8').catch(() => '{}');
  return restoring.parse(JSON.parse(marker)).volumes;
};

/** The old list or the new one, whatever happens in between: what is on no list is never removed again. */
export const markRestoring = async (
  home: string,
  backupId: string,
  volumes: readonly string[],
): Promise<void> => {
  const { restoring: marker } = pathsOf(home);
  await writeFile(`${marker}.new`, JSON.stringify({ backupId, volumes }), { flush: true });
  await rename(`${marker}.new`, marker);
};

interface VolumesPlace {
  readonly engine: VolumeEngine;
  readonly home: string;
  readonly onStep: (text: string) => void;
}

/**
 * Makes the volumes of a backup and puts into them what was in them. One that this engine has is left as it is:
 * what is in it is newer. Returns what a person has to know.
 */
export const restoreVolumes = async (
  { engine, home, onStep }: VolumesPlace,
  { backupId, platform, volumes, volumesLeft }: Manifest,
  read: ReadContent,
): Promise<string[]> => {
  // Half of one would be taken for all of it by whoever needs it, though this time it is left out.
  for (const engineName of await volumesBegun(home)) await engine.remove(engineName);
  const begun = new Set<string>();
  await markRestoring(home, backupId, []);
  const warnings = volumesLeft.map(
    ({ appName, name, why }) =>
      `volume ${appName}/${name} is not in the backup (${why}): nothing that needs it is started until it is back, or until \`shiplog volumes recreate ${name} --confirm ${name} -a ${appName}\``,
  );
  for (const volume of volumes) {
    const { appName, name, engineName, appId, volumeId } = volume;
    onStep(`volume ${appName}/${name}`);
    if (await engine.has(engineName)) {
      warnings.push(
        `volume ${appName}/${name} is on this engine already (${engineName}): what is in it stays, and nothing of the backup is put into it. If it is what a restore into another data directory left when it was cut off, remove it (docker volume rm ${engineName}) and restore into an empty directory again`,
      );
      continue;
    }
    begun.add(engineName);
    await markRestoring(home, backupId, [...begun]);
    await engine.create(engineName, volumeLabels({ platform, appId, volumeId }));
    await placeVolume(engine, volume, read);
  }
  return warnings;
};
