import type { Readable } from 'node:stream';

/** The entries of an archive of a volume lie under this name; the first one is the volume's own directory. */
export const VOLUME_ROOT = 'volume';

/**
 * The part of an engine that the content of volumes needs. Of the platform's own volumes only: somebody
 * else's is not there. Throws `BackupError` (`engine-unavailable`).
 */
export interface VolumeEngine {
  has(volume: string): Promise<boolean>;
  /**
   * What is in it, as a tar whose entries are below `volume/`: owners, modes, times, links and capabilities with
   * it. An archive that the engine breaks off ends with an error or without the end of a tar: who reads it checks.
   */
  read(volume: string): Promise<Readable>;
  /** Makes an empty volume with these labels. On repetition nothing happens. */
  create(volume: string, labels: Readonly<Record<string, string>>): Promise<void>;
  /** Puts such an archive into it, and resolves when the engine has taken all of it. What is there already stays. */
  write(volume: string, archive: Readable): Promise<void>;
  /** Deletes it with what is in it. On a missing one, or somebody else's: nothing. */
  remove(volume: string): Promise<void>;
}
