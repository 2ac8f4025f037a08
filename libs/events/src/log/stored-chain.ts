import { storedCommit } from '../commit.js';
import { sha256 } from './encode.js';
import { LogDamagedError } from './errors.js';
import type { StoredCommit } from './event-log.port.js';

/** Where a stream ends, for the commit that comes next. */
interface ChainEnd {
  readonly version: number;
  readonly hash: string;
}

/**
 * Checks commits as stored, from the first of the log on and in log order: bytes against their hash,
 * place against what they say, versions and previous hashes of every stream. It brings nothing to
 * today's shape, so a log with events that this build does not know passes as well.
 */
export class StoredChain {
  private readonly ends = new Map<string, ChainEnd>();

  /** Throws `LogDamagedError` at the first commit that is not what was written. */
  check(stored: CommitAsStored, position: string): void {
    const problem = this.problemOf(stored);
    if (problem !== undefined) {
      throw new LogDamagedError(`the commit at ${position} ${problem}`, position);
    }
  }

  private problemOf(stored: CommitAsStored): string | undefined {
    if (sha256(stored.bytes) !== stored.hash) return 'has other bytes than those of its hash';
    const commit = envelopeOf(stored.bytes);
    if (commit === undefined) return 'has no envelope of a commit';
    const { stream, id, from, to, previousHash } = commit;
    if (stream !== stored.stream || id !== stored.id) {
      return `lies in ${stored.stream} as ${stored.id}, but is ${stream} ${id}`;
    }
    const end = this.ends.get(stream) ?? { version: 0, hash: null };
    if (from !== end.version || to !== from + commit.events.length) {
      return `starts at version ${from} of ${stream}, which ends at ${end.version}`;
    }
    if (previousHash !== end.hash) return `does not follow the one before it in ${stream}`;
    this.ends.set(stream, { version: to, hash: stored.hash });
    return undefined;
  }
}

type CommitAsStored = Omit<StoredCommit, 'position'>;

const envelopeOf = (bytes: Uint8Array): ReturnType<typeof storedCommit.parse> | undefined => {
  try {
    return storedCommit.safeParse(JSON.parse(Buffer.from(bytes).toString('utf8'))).data;
  } catch {
    return undefined;
  }
};
