import type { Sealed } from './checkpoint.js';

/** A place where checkpoints are kept, oldest first, and only ever added to. */
export interface CheckpointStore {
  /** For people: what and where. */
  readonly name: string;
  newest(): Promise<Sealed | undefined>;
  /** All with a higher number, ascending. What is there and is no checkpoint is left out. */
  after(number: number): Promise<readonly Sealed[]>;
  /** Throws `CheckpointTakenError` where another process has made one of these numbers. */
  put(sealed: readonly Sealed[]): Promise<void>;
  close(): Promise<void>;
}

/** Another process of this platform was faster: go on after its checkpoint. */
export class CheckpointTakenError extends Error {
  readonly code = 'checkpoint-taken';
}
