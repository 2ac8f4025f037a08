import type { Commit, RecordedCommit, Revision } from '../commit.js';
import type { StreamName } from '../registry.js';
import type { Position } from '../sequence.js';

export type AppendResult =
  | {
      readonly outcome: 'appended';
      readonly position: Position;
      readonly revision: Revision;
      readonly hash: string;
    }
  /** Somebody else appended first. Nothing was written. */
  | { readonly outcome: 'conflict' };

/** How safe an acknowledged commit is: against a crash of the server, of the machine, of a machine's loss. */
export type Durability = 'memory' | 'process' | 'disk' | 'replicated';

/** A batch as a follower reads it; `position` is the last one in it. */
export type FollowHandler = (batch: readonly RecordedCommit[]) => void | Promise<void>;

export interface Subscription {
  /** Ends the following; resolves when no handler runs any more. */
  stop(): Promise<void>;
  /** Settles only when the following ended: with the reason if it cannot go on. */
  readonly ended: Promise<Error | undefined>;
}

/** One commit as it lies in the log: nothing of it was checked, holes and damage included. */
export interface StoredCommit {
  readonly position: Position;
  /** Where the log keeps it. */
  readonly stream: string;
  /** The commit id that the log keeps beside the bytes. */
  readonly id: string;
  /** The hash that the log keeps beside the bytes, hexadecimal. */
  readonly hash: string;
  /** Exactly what was stored. */
  readonly bytes: Uint8Array;
}

/** Where a reader found these two in the bytes of a commit. */
export interface NamesInBytes {
  readonly idFrom: number;
  readonly idTo: number;
  readonly streamFrom: number;
  readonly streamTo: number;
}

/** A stored commit whose texts are made when they are asked for, as by one who found it otherwise than expected. */
export interface CheckableCommit extends StoredCommit {
  /**
   * Whether it lies at that place under that hash (64 hexadecimal characters) and the stream and id in its bytes.
   * Never true where it does not; where it is false, the texts tell.
   */
  hasBeside(place: number, hash: DataView, names: NamesInBytes): boolean;
}

/** The log of record. Every adapter passes `describeEventLog` in `../testing`. */
export interface EventLog {
  /**
   * Appends all events of the commit or none.
   * On repetition of the same commit (same id, same bytes): `appended` with its first place.
   * Never answers `conflict` when the commit is in the log; never answers "failed" when that is unknown:
   * it asks the log until it knows, and throws `LogUnavailableError` with `outcome: 'unknown'` at its deadline.
   */
  append(stream: StreamName, expected: Revision, commit: Commit): Promise<AppendResult>;

  /** The whole stream from the leader, oldest first; empty when there is none. Checks versions and hash chain. */
  read(stream: StreamName): Promise<readonly RecordedCommit[]>;

  /**
   * Commits after `after`, at most `limit`, in log order. May lag behind `append`; never has a hole.
   * `head()` tells how far it ought to reach.
   */
  readAfter(after: Position, limit: number): Promise<readonly RecordedCommit[]>;

  /**
   * As `readAfter`, but as stored: bytes that are not those of their hash and places that are empty are
   * given as they are. For those who check, copy or keep the log; everybody else reads checked commits.
   */
  readStored(after: Position, limit: number): Promise<readonly StoredCommit[]>;

  /** As `readStored`, for one who expects something of every commit; where it is absent, nothing is gained by it. */
  readCheckable?(after: Position, limit: number): Promise<readonly CheckableCommit[]>;

  /**
   * The bytes alone of the commits after `after`, at most `limit`, nothing of them checked: for one who knows the
   * hashes that they must have. What a log keeps beside them can cost more to read than they do.
   */
  readBytes?(after: Position, limit: number): Promise<readonly Uint8Array[]>;

  /** Calls the handler with all commits after `after`, in order, each once, one call at a time. */
  follow(after: Position, handler: FollowHandler): Subscription;

  /** The last position, read from the leader. `START` when the log is empty. */
  head(): Promise<Position>;

  /** Negative, zero or positive as `a` lies before, at or after `b`. */
  compare(a: Position, b: Position): number;

  /** Positions are 1, 2, 3, …: a number without a commit is a hole. Otherwise they only grow. */
  readonly isDense: boolean;

  /** How many commits lie after `after`, up to `until`: exact where positions are dense, else about. */
  commitsBetween(after: Position, until: Position): number;

  /**
   * Stores something in the way a commit is stored, but beside the log and in the place of what the last
   * probe stored: it leaves no trace in the log and does not grow. Throws what an append would meet now.
   */
  probe(): Promise<void>;

  durability(): Promise<Durability>;

  close(): Promise<void>;
}
