import { START } from '@shiplog/events';
import type { StoredCommit } from '@shiplog/events/log';
import type { EventLogPlace, PlatformConfig } from '@shiplog/runtime';
import {
  ImportRefusedError,
  importInto,
  withHome,
  type ImportProgress,
  type ImportResult,
} from './import-log.js';
import type { ImportTarget } from './import-target.js';
import { openImportTarget } from './open-import-target.js';

const BATCH = 1_000;

export interface CopyProgress extends ImportProgress {
  readonly step: 'copy' | 'compare';
}

/**
 * Copies the log of this home to another place, commits unchanged, and compares the two when it is done. A
 * copy that was cut off is gone on with. The log that it is copied from stays as it is. No platform may run.
 */
export const copyLog = (
  config: PlatformConfig,
  to: EventLogPlace,
  onProgress: (progress: CopyProgress) => void = () => undefined,
): Promise<ImportResult> =>
  withHome(config.home, async () => {
    refuseItself(config.eventLog, to);
    const source = await openImportTarget(config);
    try {
      const target = await openImportTarget({ ...config, eventLog: to });
      try {
        return await copied(source, target, onProgress);
      } finally {
        await target.close();
      }
    } finally {
      await source.close();
    }
  });

const refuseItself = (from: EventLogPlace, to: EventLogPlace): void => {
  const addressOf = (place: EventLogPlace): string =>
    place.kind === 'esdb' ? place.address : place.kind;
  if (addressOf(from) !== addressOf(to)) return;
  throw new ImportRefusedError(
    `the log of this home is in ${addressOf(from)} already (SHIPLOG_EVENT_LOG); say where else to copy it`,
  );
};

const copied = async (
  source: ImportTarget,
  target: ImportTarget,
  onProgress: (progress: CopyProgress) => void,
): Promise<ImportResult> => {
  const result = await importInto(target, storedIn(source), {
    onProgress: (progress) => onProgress({ step: 'copy', ...progress }),
  });
  const again = await importInto(target, storedIn(source), {
    onProgress: (progress) => onProgress({ step: 'compare', ...progress }),
  });
  if (again.imported > 0) {
    throw new ImportRefusedError(
      `the copy lacked ${again.imported} of its commits when it was compared: somebody else changes it. Stop every platform on it and copy again`,
    );
  }
  return result;
};

async function* storedIn(log: ImportTarget): AsyncGenerator<StoredCommit> {
  let after = START;
  for (;;) {
    const batch = await log.readStored(after, BATCH);
    yield* batch;
    const last = batch.at(-1);
    if (last === undefined) return;
    after = last.position;
  }
}
