import type { Sealed } from './checkpoint.js';

/** A place where checkpoints are kept, oldest first, and only ever added to. */
export interface CheckpointStore {
  /** For people: what and where. */
  readonly name: string;
  newest(): Promise<Sealed | undefined>;
  /** All with a higher number, ascending, or the first so many. What is there and is no checkpoint is left out. */
  after(number: number, limit?: number): Promise<readonly Sealed[]>;
  /** Throws `CheckpointTakenError` where another process has made one of these numbers. */
  put(sealed: readonly Sealed[]): Promise<void>;
  close(): Promise<void>;
}

/** Everything that a store holds, ascending. */
export interface Testimony {
  readonly sealed: readonly Sealed[];
  /** What of it cannot be read, and is not there a second time. */
  readonly problem: string | undefined;
}

/** A store that can be asked for all it holds. */
export interface TestifyingStore extends CheckpointStore {
  testimony(): Promise<Testimony>;
}

export const UNREADABLE_END = 'what is behind its newest checkpoint cannot be read';

/** Another process of this platform was faster: go on after its checkpoint. */
export class CheckpointTakenError extends Error {
  readonly code = 'checkpoint-taken';
}
