import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { START, type Position } from '@shiplog/events';
import type { PastLog } from './past-log.js';
import { breathe } from '../breathe.js';
import { AtUnknownError } from '../errors.js';
import { ProjectionFold } from '../fold.js';
import { PROJECTIONS } from '../projections/index.js';
import { memoryRowStore } from '../query/memory-row-store.js';
import { readModelsOver } from '../query/queries.js';
import type { ReadModels } from '../read-models.port.js';
import { SqlDatabase } from '../sql/database.js';
import { sqlRowStore } from '../sql/sql-row-store.js';
import type { MakePast } from './make-past.js';
import { Queue } from './queue.js';

const PAGE = 500;
const KEPT = 3;
/** A past is let go after this long without a look at it: one of a large log is large itself. */
const KEPT_MS = 60_000;
/** Looks that wait for their turn. */
const WAITING_MAX = 16;
/** A longer stretch takes longer here than a thread takes to start. */
const FOLDED_HERE_MAX = 5_000;

/** Where pasts that are too long to be folded in memory are made, and by whom. */
export interface PastPlace {
  /** Snapshots, and pasts that are being looked at. */
  readonly directory: string;
  readonly codeHash: string;
  readonly make: MakePast;
}

interface Kept {
  readonly position: Position;
  readonly models: ReadModels;
  /** What the next past can be folded on from in memory. */
  readonly fold: ProjectionFold | undefined;
  /** Looks under way. */
  users: number;
  release(): Promise<void>;
}

interface Making {
  readonly result: Promise<Kept>;
  readonly stop: AbortController;
  waiting: number;
}

/**
 * The read models as they were: the log folded once more, up to a position. A short stretch in memory,
 * in small steps; a long one in a thread, from the nearest snapshot, into a file. One at a time, and
 * none for callers who went away.
 */
export class Past {
  private kept: Kept[] = [];
  private readonly making = new Map<Position, Making>();
  private readonly queue = new Queue(WAITING_MAX);
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly log: PastLog,
    private readonly place?: PastPlace,
    private readonly foldedHereMax = FOLDED_HERE_MAX,
  ) {}

  /** The signal says that the caller is done with it, or wants it no more. */
  async at(position: Position, signal?: AbortSignal): Promise<ReadModels> {
    const kept = await this.find(position, signal);
    if (signal !== undefined && !signal.aborted) {
      kept.users += 1;
      const leave = (): void => {
        kept.users -= 1;
        this.letGoLater();
      };
      signal.addEventListener('abort', leave, { once: true });
    }
    this.kept = [...this.kept.filter((one) => one !== kept), kept];
    const free = this.kept.filter((one) => one.users === 0 && one !== kept);
    this.letGo(free.slice(0, Math.max(0, this.kept.length - KEPT)));
    this.letGoLater();
    return kept.models;
  }

  /** No past is being made or waited for. */
  get isIdle(): boolean {
    return this.queue.isIdle;
  }

  /** Lets everything go. */
  async forget(): Promise<void> {
    const making = [...this.making.values()];
    for (const { stop } of making) stop.abort();
    await Promise.allSettled(making.map(({ result }) => result));
    clearTimeout(this.timer);
    const gone = this.kept.splice(0);
    await Promise.all(gone.map((one) => one.release()));
  }

  private async find(position: Position, signal?: AbortSignal): Promise<Kept> {
    const known = this.kept.find((one) => one.position === position);
    if (known !== undefined) return known;
    const underWay = this.making.get(position);
    // One that was given up a moment ago is of no use to whoever comes now.
    const making =
      underWay === undefined || underWay.stop.signal.aborted ? this.begin(position) : underWay;
    making.waiting += 1;
    const leave = (): void => {
      making.waiting -= 1;
      if (making.waiting === 0) making.stop.abort();
    };
    signal?.addEventListener('abort', leave, { once: true });
    try {
      return await making.result;
    } finally {
      signal?.removeEventListener('abort', leave);
    }
  }

  private begin(position: Position): Making {
    const stop = new AbortController();
    const result = this.queue.run(stop.signal, () => this.make(position, stop.signal));
    const making: Making = { result, stop, waiting: 0 };
    this.making.set(position, making);
    const done = (): void => {
      if (this.making.get(position) === making) this.making.delete(position);
    };
    result.then((kept) => {
      this.kept.push(kept);
      done();
    }, done);
    return making;
  }

  private async make(position: Position, signal: AbortSignal): Promise<Kept> {
    const head = await this.log.head();
    if (this.log.compare(position, head) > 0) {
      throw new AtUnknownError(`position ${Number(position)} is beyond the end of the log`);
    }
    const nearest = this.kept
      .filter(({ fold, position: at }) => fold !== undefined && this.log.compare(at, position) < 0)
      .toSorted((a, b) => this.log.compare(b.position, a.position))[0];
    const from = nearest?.position ?? START;
    const isShort = this.log.commitsBetween(from, position) <= this.foldedHereMax;
    if (this.place !== undefined && !isShort) return this.makeFile(this.place, position, signal);
    const fold = nearest?.fold?.copy() ?? ProjectionFold.inMemory(PROJECTIONS);
    await this.foldOn(fold, from, position, signal);
    const models = readModelsOver(memoryRowStore(fold, position));
    return { position, fold, models, users: 0, release: () => Promise.resolve() };
  }

  private async foldOn(
    fold: ProjectionFold,
    from: Position,
    to: Position,
    signal: AbortSignal,
  ): Promise<void> {
    let at = from;
    while (this.log.compare(at, to) < 0) {
      const page = await this.log.readAfter(at, PAGE);
      signal.throwIfAborted();
      const wanted = page.filter((record) => this.log.compare(record.position, to) <= 0);
      const last = wanted.at(-1);
      if (last === undefined) break;
      fold.apply(wanted);
      at = last.position;
      await breathe();
    }
  }

  private async makeFile(
    { directory, codeHash, make }: PastPlace,
    position: Position,
    signal: AbortSignal,
  ): Promise<Kept> {
    const open = openedIn(directory);
    await mkdir(open, { recursive: true, mode: 0o700 });
    const file = join(open, `${randomUUID()}.sqlite`);
    const remove = async (): Promise<void> => {
      for (const suffix of ['', '-wal', '-shm']) await rm(file + suffix, { force: true });
    };
    try {
      await make({ directory, codeHash, file, until: position }, signal);
      const database = await SqlDatabase.attach({ kind: 'sqlite', file });
      const models = readModelsOver(sqlRowStore(database));
      const release = async (): Promise<void> => {
        await database.close();
        await remove();
      };
      return { position, models, fold: undefined, users: 0, release };
    } catch (error) {
      await remove();
      throw error;
    }
  }

  private letGoLater(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.letGo(this.kept.filter((one) => one.users === 0)), KEPT_MS);
    this.timer.unref();
  }

  private letGo(gone: readonly Kept[]): void {
    this.kept = this.kept.filter((one) => !gone.includes(one));
    for (const one of gone) void one.release().catch(() => undefined);
  }
}

const openedIn = (directory: string): string => join(directory, 'open');

/** What a process that died had open. */
export const removeOpened = (directory: string): Promise<void> =>
  rm(openedIn(directory), { recursive: true, force: true });
