import { START, type Position } from '@shiplog/events';
import {
  decodeCommit,
  LogDamagedError,
  LogNewerError,
  type EventLog,
  type StoredCommit,
} from '@shiplog/events/log';
import { seal, type Checkpoint, type Reset } from './checkpoint.js';
import { CheckpointTakenError, type CheckpointStore } from './checkpoint-store.js';
import { placeOfLast } from './fence.js';
import type { KeyFile } from './key-file.js';

/** So many commits at most lie between two checkpoints, and so much time. */
export const COMMITS_MAX = 1_000;
export const INTERVAL_MS = 5 * 60_000;
/** Some 13 MB of hashes. */
const HANDED_ON_AT_ONCE = 200;

export interface KeeperParts {
  readonly log: Pick<EventLog, 'readStored' | 'isDense'>;
  /** Decides which process makes a number. */
  readonly table: CheckpointStore;
  /** The file in the home, and witnesses elsewhere: they get what the table has. */
  readonly copies: readonly CheckpointStore[];
  readonly keys: KeyFile;
  readonly platform: string;
  readonly logger: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
  };
  readonly now?: () => Date;
}

export interface CopyState {
  readonly name: string;
  /** Its newest checkpoint; null: it has none, or that is not known. */
  readonly number: number | null;
  /** Why it does not have the newest one. */
  readonly problem: string | null;
}

export interface KeeperState {
  readonly newest: Checkpoint | null;
  readonly copies: readonly CopyState[];
  /** Why no checkpoint can be made. */
  readonly problem: string | null;
}

/**
 * What is sworn to is not looked into again: nothing that would end its readers may get there. One of a newer
 * Shiplog is read by that one.
 */
const assertReadable = ({ position, hash, bytes }: StoredCommit): void => {
  try {
    const { from, to, events } = decodeCommit(bytes, hash, position);
    if (to - from === events.length) return;
  } catch (error) {
    if (error instanceof LogNewerError) return;
    throw error;
  }
  throw new LogDamagedError('its versions are not as many as its events', position);
};

/** Commits that follow a place. */
interface Stretch {
  readonly after: Position;
  readonly commits: readonly { readonly position: Position; readonly hash: string }[];
}

/**
 * Signs what the log holds, a stretch at a time, and hands it on to whoever keeps it. One thing at a time;
 * what fails is tried again with the next one, and never holds up who changes the log.
 */
export class CheckpointKeeper {
  private tail: Promise<unknown> = Promise.resolve();
  private newest: Checkpoint | null = null;
  private problem: string | null = null;
  private readonly copyStates = new Map<string, CopyState>();

  constructor(private readonly parts: KeeperParts) {}

  get state(): KeeperState {
    return {
      newest: this.newest,
      copies: this.parts.copies.map(
        ({ name }) => this.copyStates.get(name) ?? { name, number: null, problem: null },
      ),
      problem: this.problem,
    };
  }

  /** Signs everything that is in the log; also nothing, where the newest checkpoint is old. */
  cut(): Promise<void> {
    return this.inTurn(() => this.cutNow('when due'));
  }

  /** As `cut`, whatever the age of the newest one: at the end of a process. */
  cutAll(): Promise<void> {
    return this.inTurn(() => this.cutNow('always'));
  }

  /** From the next checkpoint on another key signs; this one names it. */
  rotateKey(): Promise<Checkpoint> {
    return this.inTurn(async () => {
      const next = await this.parts.keys.prepareChange();
      for (;;) {
        const previous = await this.load();
        try {
          const made = await this.make(previous, [], { nextKey: next.publicKey });
          await this.parts.keys.finishChange();
          await this.copyAll();
          return made;
        } catch (error) {
          if (!(error instanceof CheckpointTakenError)) throw error;
        }
      }
    });
  }

  /** Records for ever that an operator went on with a log that ends, or differs, after so many commits. */
  accept(reset: Reset & { readonly to: Position }): Promise<Checkpoint> {
    return this.inTurn(async () => {
      const made = await this.make(await this.load(), [], { reset });
      await this.copyAll();
      return made;
    });
  }

  private async cutNow(when: 'when due' | 'always'): Promise<void> {
    try {
      while (await this.cutOne(when));
      this.problem = null;
    } catch (error) {
      this.problem = error instanceof Error ? error.message : String(error);
      this.parts.logger.warn({ error: this.problem }, 'checkpoint-not-made');
    }
    await this.copyAll();
  }

  /** True where there is more to sign. */
  private async cutOne(when: 'when due' | 'always'): Promise<boolean> {
    const previous = await this.load();
    const { after, commits } = await this.commitsAfter(previous);
    const isWhole = commits.length === COMMITS_MAX;
    const isMoved = after !== (previous?.to ?? START);
    const mayWait = !isWhole && !isMoved;
    if (mayWait && !isDue(previous, commits.length, when, this.now())) return false;
    try {
      await this.make(previous, commits, { after });
      return isWhole;
    } catch (error) {
      // Another process was faster: what is left after its checkpoint?
      if (error instanceof CheckpointTakenError) return true;
      throw error;
    }
  }

  private async load(): Promise<Checkpoint | undefined> {
    const found = (await this.parts.table.newest())?.checkpoint;
    this.newest = found ?? null;
    return found;
  }

  private async make(
    previous: Checkpoint | undefined,
    commits: readonly { readonly position: Position; readonly hash: string }[],
    change: Parameters<typeof seal>[3] = {},
  ): Promise<Checkpoint> {
    const { keys, platform, table } = this.parts;
    const key = await keys.keyAfter(previous);
    const sealed = seal(
      previous,
      commits,
      { platform, key, now: this.now().toISOString() },
      change,
    );
    await table.put([sealed]);
    this.newest = sealed.checkpoint;
    return sealed.checkpoint;
  }

  /** What comes after the newest checkpoint, if that still belongs to this log: nothing else is sworn to. */
  private async commitsAfter(previous: Checkpoint | undefined): Promise<Stretch> {
    const after = await this.endOf(previous);
    const found = await this.parts.log.readStored(after, COMMITS_MAX);
    found.forEach(assertReadable);
    return { after, commits: found };
  }

  private async endOf(previous: Checkpoint | undefined): Promise<Position> {
    if (previous === undefined) return START;
    const place = await placeOfLast(this.parts.log, previous);
    if (place !== undefined) return place;
    throw new LogDamagedError(
      `the log does not have the commit that checkpoint ${previous.number} ends with; \`shiplog audit verify\` tells more`,
      previous.to,
    );
  }

  private async copyAll(): Promise<void> {
    const has = this.newest?.number ?? 0;
    for (const copy of this.parts.copies) {
      const { name } = copy;
      try {
        const newest = (await copy.newest())?.checkpoint.number ?? 0;
        if (newest > has)
          throw new Error(`it has checkpoints up to ${newest}, the platform up to ${has}`);
        if (newest < has) await handOn(this.parts.table, copy, newest);
        this.copyStates.set(name, { name, number: has, problem: null });
      } catch (error) {
        const problem = error instanceof Error ? error.message : String(error);
        const number = this.copyStates.get(name)?.number ?? null;
        this.copyStates.set(name, { name, number, problem });
        this.parts.logger.warn({ witness: name, error: problem }, 'checkpoint-not-copied');
      }
    }
  }

  private now(): Date {
    return this.parts.now?.() ?? new Date();
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.tail.then(work);
    this.tail = result.catch(() => undefined);
    return result;
  }
}

const isDue = (
  previous: Checkpoint | undefined,
  commits: number,
  when: 'when due' | 'always',
  now: Date,
): boolean => {
  if (previous === undefined) return true;
  if (when === 'always' && commits > 0) return true;
  return now.getTime() - Date.parse(previous.time) >= INTERVAL_MS;
};

/** Gives a store what another one has and it has not: after one of them was lost. */
export const refill = async (store: CheckpointStore, from: CheckpointStore): Promise<number> => {
  const newest = (await store.newest())?.checkpoint.number ?? 0;
  return handOn(from, store, newest);
};

/**
 * A portion at a time: of a log of years there are more hashes than fit into a string, or into the memory of
 * an idle control plane.
 */
const handOn = async (
  from: CheckpointStore,
  to: CheckpointStore,
  after: number,
): Promise<number> => {
  let number = after;
  let count = 0;
  for (;;) {
    const portion = await from.after(number, HANDED_ON_AT_ONCE);
    const last = portion.at(-1);
    if (last === undefined) return count;
    await to.put(portion);
    number = last.checkpoint.number;
    count += portion.length;
  }
};
