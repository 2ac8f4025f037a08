import type { Sealed } from '../checkpoint.js';
import { CheckpointTakenError, type CheckpointStore } from '../checkpoint-store.js';

/** The honest fake of a place for checkpoints; `fails` makes it refuse. */
export class MemoryStore implements CheckpointStore {
  readonly kept: Sealed[] = [];
  fails: Error | undefined;

  constructor(readonly name = 'memory') {}

  newest(): Promise<Sealed | undefined> {
    return Promise.resolve(this.kept.at(-1));
  }

  after(number: number, limit = Infinity): Promise<readonly Sealed[]> {
    const found = this.kept.filter(({ checkpoint }) => checkpoint.number > number);
    return Promise.resolve(found.slice(0, limit));
  }

  put(sealed: readonly Sealed[]): Promise<void> {
    if (this.fails !== undefined) return Promise.reject(this.fails);
    const [first] = sealed;
    const newest = this.kept.at(-1)?.checkpoint.number ?? 0;
    if (first !== undefined && first.checkpoint.number <= newest) {
      return Promise.reject(new CheckpointTakenError(`${first.checkpoint.number} is taken`));
    }
    this.kept.push(...sealed);
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
