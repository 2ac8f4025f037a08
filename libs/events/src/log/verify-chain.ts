import type { RecordedCommit } from '../commit.js';
import type { StreamName } from '../registry.js';
import { LogDamagedError } from './errors.js';

/** Versions are contiguous from 0, and every commit names the hash of the one before. */
export const verifyChain = (stream: StreamName, records: readonly RecordedCommit[]): void => {
  let version = 0;
  let previous: string | null = null;
  for (const { commit, hash, position } of records) {
    if (commit.from !== version || commit.to !== version + commit.events.length) {
      throw new LogDamagedError(`${stream}: version ${version + 1} is missing`, position);
    }
    if (commit.previousHash !== previous) {
      throw new LogDamagedError(`${stream}: the commit does not follow the one before`, position);
    }
    version = commit.to;
    previous = hash;
  }
};
