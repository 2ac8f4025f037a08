import { EMPTY, type Commit, type RecordedCommit, type Revision } from '../commit.js';
import type { StreamName } from '../registry.js';
import { START, distance, toPosition, type Position } from '../sequence.js';
import { checkedStream } from './checked-stream.js';
import { decodeCommit, encodeCommit, sha256 } from './encode.js';
import { CommitRefusedError } from './errors.js';
import type {
  AppendResult,
  EventLog,
  FollowHandler,
  StoredCommit,
  Subscription,
} from './event-log.port.js';

/**
 * The honest fake: bytes are encoded and decoded as in a real log, and revisions count across all
 * streams as in JetStream, so that no test can come to rely on revisions without gaps.
 */
export class InMemoryEventLog implements EventLog {
  readonly isDense = true;
  readonly commitsBetween = distance;
  private readonly records: RecordedCommit[] = [];
  private readonly byStream = new Map<StreamName, RecordedCommit[]>();
  private readonly byCommitId = new Map<string, RecordedCommit>();
  private readonly bytesByCommitId = new Map<string, Uint8Array>();
  private readonly wakers = new Set<() => void>();

  append(stream: StreamName, expected: Revision, commit: Commit): Promise<AppendResult> {
    return Promise.resolve().then(() => this.appendNow(stream, expected, commit));
  }

  private appendNow(stream: StreamName, expected: Revision, commit: Commit): AppendResult {
    if (commit.stream !== checkedStream(stream)) {
      throw new CommitRefusedError(`a commit of ${commit.stream} appended to ${stream}`);
    }
    const bytes = encodeCommit(commit);
    const hash = sha256(bytes);
    const known = this.byCommitId.get(commit.id);
    if (known !== undefined) {
      if (known.hash !== hash)
        throw new CommitRefusedError(`commit id ${commit.id} was used before`);
      return { outcome: 'appended', position: known.position, revision: known.revision, hash };
    }
    const ofStream = this.byStream.get(stream) ?? [];
    if ((ofStream.at(-1)?.revision ?? EMPTY) !== expected) return { outcome: 'conflict' };

    const position = toPosition(this.records.length + 1);
    const record = {
      position,
      revision: position,
      hash,
      commit: decodeCommit(bytes, hash, position),
    };
    this.records.push(record);
    this.byStream.set(stream, [...ofStream, record]);
    this.byCommitId.set(commit.id, record);
    this.bytesByCommitId.set(commit.id, bytes);
    for (const wake of this.wakers) wake();
    return { outcome: 'appended', position, revision: position, hash };
  }

  read(stream: StreamName): Promise<readonly RecordedCommit[]> {
    return Promise.resolve().then(() => this.byStream.get(checkedStream(stream)) ?? []);
  }

  readAfter(after: Position, limit: number): Promise<readonly RecordedCommit[]> {
    return Promise.resolve(this.records.slice(Number(after), Number(after) + limit));
  }

  async readStored(after: Position, limit: number): Promise<readonly StoredCommit[]> {
    const records = await this.readAfter(after, limit);
    return records.map(({ position, hash, commit }) => {
      const bytes = this.bytesByCommitId.get(commit.id) ?? new Uint8Array();
      return { position, stream: commit.stream, id: commit.id, hash, bytes };
    });
  }

  async readBytes(after: Position, limit: number): Promise<readonly Uint8Array[]> {
    return (await this.readStored(after, limit)).map(({ bytes }) => bytes);
  }

  follow(after: Position, handler: FollowHandler): Subscription {
    let stopped = false;
    let wake = (): void => undefined;
    const wakeUp = (): void => wake();
    this.wakers.add(wakeUp);
    const run = async (): Promise<Error | undefined> => {
      let position = after;
      for (;;) {
        const batch = await this.readAfter(position, 1000);
        if (stopped) return undefined;
        if (batch.length > 0) {
          await handler(batch);
          position = batch.at(-1)?.position ?? position;
          continue;
        }
        const woken = new Promise<void>((resolve) => (wake = resolve));
        if (Number(position) >= this.records.length) await woken;
      }
    };
    const ended = run()
      .catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))))
      .finally(() => this.wakers.delete(wakeUp));
    return {
      ended,
      stop: async () => {
        stopped = true;
        wake();
        await ended;
      },
    };
  }

  head(): Promise<Position> {
    return Promise.resolve(this.records.at(-1)?.position ?? START);
  }

  compare(a: Position, b: Position): number {
    return a < b ? -1 : a > b ? 1 : 0;
  }

  probe(): Promise<void> {
    return Promise.resolve();
  }

  durability() {
    return Promise.resolve('memory' as const);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
