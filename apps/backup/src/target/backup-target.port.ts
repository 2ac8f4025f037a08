import type { Readable } from 'node:stream';

export interface StoredFile {
  readonly name: string;
  readonly bytes: number;
}

/**
 * Where backups are kept: files by name, parts of which are joined by `/`. Written by one platform. Every
 * method throws `BackupError`: `backup-target-unavailable` where the place does not answer or refuses.
 */
export interface BackupTarget {
  /** For people and the log: never with credentials. */
  readonly address: string;
  /**
   * Stores the content of a file of this machine under the name: whole and durable when it resolves, and
   * never seen half. Replaces what is there.
   */
  put(name: string, file: string): Promise<void>;
  /**
   * The content; fails with `backup-damaged` where there is none of that name. A stream that breaks off does
   * so with `backup-target-unavailable`.
   */
  read(name: string): Promise<Readable>;
  /** Everything whose name begins with the prefix, in no order. */
  list(prefix: string): Promise<readonly StoredFile[]>;
  /** On repetition nothing happens. */
  remove(name: string): Promise<void>;
  /** Clears away what a run that was cut off left half written. Only for who holds the lock: others write, too. */
  removeLeftovers(): Promise<void>;
  close(): Promise<void>;
}
