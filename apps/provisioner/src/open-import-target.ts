import { openEsdbLog, readEsdbUser, type PlatformConfig } from '@shiplog/runtime';
import type { ImportTarget } from './import-target.js';
import { openJetStreamTarget } from './jetstream-import-target.js';

/** The log of this configuration, open to an importer. The caller holds the home. */
export const openImportTarget = (config: PlatformConfig): Promise<ImportTarget> =>
  config.eventLog.kind === 'esdb'
    ? openEsdbTarget(config.eventLog, config.platform)
    : openJetStreamTarget(config);

type EsdbPlace = Extract<PlatformConfig['eventLog'], { kind: 'esdb' }>;

const openEsdbTarget = async (place: EsdbPlace, platform: string): Promise<ImportTarget> => {
  const { EsdbImporter } = await import('@shiplog/events/esdb');
  const log = await openEsdbLog(place, platform, 'provisioner');
  const importer = new EsdbImporter({
    connectionString: place.address,
    name: platform,
    credentials: await readEsdbUser(place, 'provisioner'),
  });
  return {
    readStored: (after, limit) => log.readStored(after, limit),
    head: () => log.head(),
    append: async (commits) => {
      for (const commit of commits) await importer.append(commit);
    },
    close: async () => {
      await Promise.all([log.close(), importer.close()]);
    },
  };
};
