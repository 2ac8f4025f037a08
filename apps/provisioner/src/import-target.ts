import type { Position } from '@shiplog/events';
import type { StoredCommit } from '@shiplog/events/log';

/** A commit on its way into a log: everything of it but the place that it gets there. */
export type CommitToImport = Omit<StoredCommit, 'position'>;

/** A log that takes commits as they are, from one writer at a time. */
export interface ImportTarget {
  /** What it holds already, from its first commit on. */
  readStored(after: Position, limit: number): Promise<readonly StoredCommit[]>;
  /** The position of its last commit; `START` when it is empty. */
  head(): Promise<Position>;
  /** Appends in this order, all of them, and resolves when they are stored; at a failure some may be. */
  append(commits: readonly CommitToImport[]): Promise<void>;
  close(): Promise<void>;
}
