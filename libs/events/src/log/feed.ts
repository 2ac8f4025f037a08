import { START, type Position } from '../sequence.js';
import type { RecordedCommit } from '../commit.js';
import type { EventLog, Subscription } from './event-log.port.js';
import { assertStillThere } from './still-there.js';

/** Something folded from the log, in memory. `apply` must not throw: a fold never refuses. */
export interface Fold {
  /** File name of its snapshot: letters, digits and dashes. */
  readonly name: string;
  /** Changes whenever the code that folds changes: an old snapshot is then thrown away. */
  readonly codeHash: string;
  apply(record: RecordedCommit): void;
  /** The fold as JSON value, and back. */
  snapshot(): unknown;
  restore(state: unknown): void;
}

/** Where folds keep their disposable snapshots. Losing one costs time, never truth. */
export interface SnapshotStore {
  /** For messages: what to delete to lose them all. */
  readonly place: string;
  load(
    name: string,
  ): Promise<{ codeHash: string; position: Position; hash: string; state: unknown } | undefined>;
  save(
    name: string,
    snapshot: { codeHash: string; position: Position; hash: string; state: unknown },
  ): Promise<void>;
}

type Listener = (batch: readonly RecordedCommit[]) => void;

/** Commits between two snapshots: a start reads at most about this many. */
const SNAPSHOT_EVERY = 5_000;
/** While a start reads a long log: a snapshot of everything costs as much as folding thousands of commits. */
const SNAPSHOT_EVERY_AT_START = 50_000;
const START_TIMEOUT_MS = 30 * 60_000;

/**
 * The one follower of a Node.js process. All folds of the process are fed in the same turn, so they
 * are always at the same position.
 */
export class LogFeed {
  private readonly folds: Fold[] = [];
  private readonly listeners = new Set<Listener>();
  private readonly endListeners = new Set<(error: Error) => void>();
  private readonly waiters = new Set<{
    position: Position;
    resolve: () => void;
    reject: (e: Error) => void;
  }>();
  private subscription: Subscription | undefined;
  /** What will be asked for those who ask in this turn. */
  private asking: Promise<Position> | undefined;
  private at: Position = START;
  private hash = '';
  private sinceSnapshot = 0;
  private snapshotEvery = SNAPSHOT_EVERY_AT_START;
  private saving: Promise<void> | undefined;
  private failure: Error | undefined;

  constructor(
    private readonly log: EventLog,
    private readonly snapshots?: SnapshotStore,
  ) {}

  /** Folds are added before the start, or they would miss what was read already. */
  add(fold: Fold): this {
    if (this.subscription !== undefined)
      throw new Error(`fold ${fold.name} was added after the start`);
    this.folds.push(fold);
    return this;
  }

  /** Last position that all folds have seen. */
  get position(): Position {
    return this.at;
  }

  /** Restores snapshots, reads to the head as it is now, and goes on following. */
  async start(): Promise<void> {
    await this.restore();
    this.subscription = this.log.follow(this.at, (batch) => this.take(batch));
    void this.subscription.ended.then((error) => this.fail(error));
    // However long a first fold of a long log takes: only an end of the following is a failure.
    await this.reach(await this.log.head(), START_TIMEOUT_MS);
    this.snapshotEvery = SNAPSHOT_EVERY;
    this.snapshotWhenDue();
  }

  /** Resolves when everything that is in the log now has been folded. */
  async catchUp(): Promise<Position> {
    const head = await (this.asking ??= this.askForHead());
    await this.reach(head);
    return head;
  }

  /** A commit wakes every loop of the process: they ask in one turn, and the log is asked once, after the last of them. */
  private async askForHead(): Promise<Position> {
    await new Promise((resolve) => process.nextTick(resolve));
    this.asking = undefined;
    return this.log.head();
  }

  /** Resolves when the feed has reached the position; rejects when it cannot go on, or after `timeoutMs`. */
  reach(position: Position, timeoutMs = 30_000): Promise<void> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    if (this.log.compare(this.at, position) >= 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const waiter = {
        position,
        resolve: () => done(resolve),
        reject: (e: Error) => done(() => reject(e)),
      };
      const timer = setTimeout(
        () => waiter.reject(new Error(`the log feed did not reach ${position} in ${timeoutMs} ms`)),
        timeoutMs,
      );
      const done = (then: () => void): void => {
        clearTimeout(timer);
        this.waiters.delete(waiter);
        then();
      };
      this.waiters.add(waiter);
    });
  }

  /** Calls the listener after each folded batch: a nudge. Returns the way to end it. */
  onBatch(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /**
   * Calls the listener when the feed ends: it was stopped, or it cannot go on. Returns the way to end it:
   * what is chained to `ended` instead is held as long as the process lives.
   */
  onEnd(listener: (error: Error) => void): () => void {
    if (this.failure !== undefined) listener(this.failure);
    this.endListeners.add(listener);
    return () => this.endListeners.delete(listener);
  }

  /** Settles only when following ended, with the error if it could not go on. */
  get ended(): Promise<Error | undefined> {
    return this.subscription?.ended ?? Promise.resolve(undefined);
  }

  async stop(): Promise<void> {
    await this.subscription?.stop();
    this.fail(new Error('the log feed was stopped'));
    await this.saving;
    // A disk that takes no snapshot costs time at the next start and nothing else.
    await this.saveSnapshots().catch(() => undefined);
  }

  private take(batch: readonly RecordedCommit[]): void {
    for (const record of batch) for (const fold of this.folds) fold.apply(record);
    const last = batch.at(-1);
    if (last === undefined) return;
    this.at = last.position;
    this.hash = last.hash;
    this.sinceSnapshot += batch.length;
    for (const listener of this.listeners) listener(batch);
    for (const waiter of this.waiters) {
      if (this.log.compare(this.at, waiter.position) >= 0) waiter.resolve();
    }
    this.snapshotWhenDue();
  }

  /** One at a time: while a slow disk takes one, the next waits for the commits after it. */
  private snapshotWhenDue(): void {
    if (this.sinceSnapshot < this.snapshotEvery || this.saving !== undefined) return;
    this.saving = this.saveSnapshots()
      .catch(() => undefined)
      .finally(() => (this.saving = undefined));
  }

  private fail(error: Error | undefined): void {
    if (error === undefined) return;
    this.failure ??= error;
    for (const waiter of this.waiters) waiter.reject(this.failure);
    for (const listener of this.endListeners) listener(this.failure);
    this.endListeners.clear();
  }

  /** All folds start from one position: one snapshot set, or none. */
  private async restore(): Promise<void> {
    if (this.snapshots === undefined || this.folds.length === 0) return;
    const store = this.snapshots;
    const loaded = await Promise.all(this.folds.map((fold) => store.load(fold.name)));
    // Acting on an older log would undo what was done since: what it knows nothing of would be taken for strangers.
    const where = { by: `the snapshots in ${store.place}`, remedy: `delete ${store.place}` };
    for (const { position, hash } of loaded.filter((snapshot) => snapshot !== undefined))
      await assertStillThere(this.log, { position, hash, ...where });
    const first = loaded[0];
    if (first === undefined) return;
    const usable = this.folds.every(
      (fold, i) => loaded[i]?.codeHash === fold.codeHash && loaded[i]?.position === first.position,
    );
    if (!usable) return;
    this.folds.forEach((fold, i) => fold.restore(loaded[i]?.state));
    this.at = first.position;
    this.hash = first.hash;
  }

  private async saveSnapshots(): Promise<void> {
    if (this.snapshots === undefined || this.sinceSnapshot === 0) return;
    this.sinceSnapshot = 0;
    // Taken in one turn, so that all folds are at the same position.
    const position = this.at;
    const hash = this.hash;
    const taken = this.folds.map((fold) => ({ fold, state: fold.snapshot() }));
    for (const { fold, state } of taken) {
      await this.snapshots.save(fold.name, { codeHash: fold.codeHash, position, hash, state });
    }
  }
}
