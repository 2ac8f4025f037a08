import { setTimeout as delay } from 'node:timers/promises';
import { START } from '@shiplog/events';
import type { ModelName } from './documents.js';
import {
  isFenced,
  isProjectionFailed,
  NoRebuildError,
  RebuildCancelledError,
  RebuildDiffersError,
  RebuildRunningError,
} from './errors.js';
import { paceOf, withMilestone, type Milestone } from './pace.js';
import { parkedList } from './parking.js';
import { PROJECTIONS } from './projections/index.js';
import type { RebuildOptions, RebuildResult, RebuildStatus } from './read-models.port.js';
import {
  abandonBuild,
  beginBuild,
  rebuild,
  takeOverBuild,
  type RebuildDependencies,
} from './rebuild.js';
import { loadBuild, loadState, type BuildRecord } from './sql/projection-state.js';

/** Longer than a rebuild takes from one transaction to the next. */
const STILL_MS = 2_000;
const LOOK_MS = 100;
/** After this long nobody looks whether it still moves. */
const OLD_MS = 60_000;

const IDLE: RebuildStatus = {
  state: 'none',
  models: [],
  done: 0,
  total: 0,
  events: 0,
  eventsPerSecond: null,
  secondsLeft: null,
  startedAt: null,
  finishedAt: null,
  resumed: false,
  differences: [],
  parked: [],
  problem: null,
};

interface Job {
  readonly models: readonly ModelName[];
  readonly startedAt: string;
  readonly cancelling: AbortController;
  readonly over: Promise<RebuildResult>;
  record: BuildRecord | undefined;
  resumed: boolean;
  isComparing: boolean;
  milestones: readonly Milestone[];
}

/** The rebuilds of this process: one at a time, to be looked at, cancelled, and gone on with. */
export class Rebuilds {
  private job: Job | undefined;
  private last: RebuildStatus = IDLE;
  /** Of the last own one: where it failed it may still be there, and nobody works on it. */
  private lastId: string | undefined;

  constructor(
    private readonly deps: RebuildDependencies,
    /** Aborted when the process stops: a rebuild under way is kept for the next start. */
    private readonly stopping: AbortSignal,
  ) {}

  /** Begins one, goes on with one that nobody works on, or joins the own one of the same models. */
  async start(model: ModelName | undefined, options: RebuildOptions = {}): Promise<RebuildStatus> {
    await this.begin(modelsOf(model), options);
    return this.status();
  }

  async run(model: ModelName | undefined, options: RebuildOptions = {}): Promise<RebuildResult> {
    return (await this.begin(modelsOf(model), options)).over;
  }

  /** One that an earlier process began with this code. */
  async resume(): Promise<void> {
    const known = await loadBuild(this.deps.database.queries);
    if (known === undefined || this.job !== undefined) return;
    if (known.codeHash !== this.deps.codeHash) {
      if (!(await this.isMoving(known))) await abandonBuild(this.deps.database, known);
      return;
    }
    await this.begin(known.models, { force: known.force }).catch((error: unknown) => {
      if (!(error instanceof RebuildRunningError)) throw error;
    });
  }

  async status(): Promise<RebuildStatus> {
    if (this.job !== undefined) return this.statusOf(this.job);
    const elsewhere = await loadBuild(this.deps.database.queries);
    if (elsewhere === undefined || elsewhere.id === this.lastId) return this.last;
    if (ageMs(elsewhere) > OLD_MS) return this.last;
    return {
      ...IDLE,
      ...this.progressOf(elsewhere),
      state: 'running',
      models: elsewhere.models,
      startedAt: elsewhere.startedAt,
      parked: parkedList(elsewhere.parked),
    };
  }

  async cancel(): Promise<RebuildStatus> {
    const { job } = this;
    if (job !== undefined) {
      job.cancelling.abort(new RebuildCancelledError());
      await job.over.catch(() => undefined);
      return this.last;
    }
    const elsewhere = await loadBuild(this.deps.database.queries);
    if (elsewhere === undefined) throw new NoRebuildError();
    await abandonBuild(this.deps.database, elsewhere);
    return { ...(await this.status()), state: 'cancelled', models: elsewhere.models };
  }

  async settled(): Promise<void> {
    await this.job?.over.catch(() => undefined);
  }

  private begin(models: readonly ModelName[], options: RebuildOptions): Promise<Job> {
    if (this.job !== undefined) {
      return isSame(this.job.models, models)
        ? Promise.resolve(this.job)
        : Promise.reject(new RebuildRunningError(named(this.job.models)));
    }
    let onClaimed = (): void => undefined;
    const claimed = new Promise<void>((resolve) => (onClaimed = resolve));
    const job: Job = {
      models,
      startedAt: new Date().toISOString(),
      cancelling: new AbortController(),
      over: Promise.resolve().then(() => this.work(job, options.force === true, onClaimed)),
      record: undefined,
      resumed: false,
      isComparing: false,
      milestones: [],
    };
    this.job = job;
    // Whoever only started it does not wait for its end.
    job.over.catch(() => undefined);
    return Promise.race([claimed, job.over]).then(() => job);
  }

  private async work(job: Job, force: boolean, onClaimed: () => void): Promise<RebuildResult> {
    const { database, logger } = this.deps;
    const signal = AbortSignal.any([this.stopping, job.cancelling.signal]);
    try {
      const record = await this.claim(job, force);
      this.note(job, record);
      onClaimed();
      const result = await rebuild(this.deps, record, {
        signal,
        onProgress: (build) => this.note(job, build),
        onComparing: () => (job.isComparing = true),
      });
      this.end(job, { state: 'done', differences: result.differences, parked: result.parked });
      logger.info(
        { ...result, models: named(job.models), resumed: job.resumed },
        'read-models.rebuilt',
      );
      return result;
    } catch (error) {
      const isRefused = error instanceof RebuildDiffersError;
      const isCancelled = error instanceof RebuildCancelledError;
      // Anything else passes: the next one goes on where this one was.
      const isOver = isRefused || isCancelled || isProjectionFailed(error);
      if (isOver && job.record !== undefined) {
        await abandonBuild(database, job.record).catch(() => undefined);
      }
      this.end(job, {
        state: isRefused ? 'refused' : isCancelled ? 'cancelled' : 'failed',
        problem: problemOf(error),
        ...(isRefused ? { differences: error.differences } : {}),
      });
      throw error;
    }
  }

  private async claim(job: Job, force: boolean): Promise<BuildRecord> {
    const { database, codeHash } = this.deps;
    const known = await loadBuild(database.queries);
    if (known === undefined) return beginBuild(this.deps, job.models, force);
    if (await this.isMoving(known)) throw new RebuildRunningError(named(known.models));
    const state = await loadState(database.queries);
    const isUsable =
      known.codeHash === codeHash &&
      isSame(known.models, job.models) &&
      known.models.every((model) => state?.slots[model] !== known.slots[model]);
    if (!isUsable) return beginBuild(this.deps, job.models, force);
    job.resumed = true;
    return takeOverBuild(this.deps, known, force);
  }

  /** Does another process work on it? */
  private async isMoving(known: BuildRecord): Promise<boolean> {
    if (known.id === this.lastId || ageMs(known) > OLD_MS) return false;
    const deadlineMs = performance.now() + STILL_MS;
    while (performance.now() < deadlineMs) {
      await delay(LOOK_MS);
      this.stopping.throwIfAborted();
      const now = await loadBuild(this.deps.database.queries);
      if (now?.id !== known.id || now.touchedAt !== known.touchedAt) return now !== undefined;
    }
    return false;
  }

  private note(job: Job, record: BuildRecord): void {
    job.record = record;
    job.isComparing = false;
    job.milestones = withMilestone(job.milestones, {
      atMs: performance.now(),
      position: Number(record.position),
      events: record.events,
    });
  }

  private end(job: Job, how: Partial<RebuildStatus>): void {
    this.last = { ...this.statusOf(job), finishedAt: new Date().toISOString(), ...how };
    this.last = { ...this.last, secondsLeft: null };
    this.lastId = job.record?.id;
    this.job = undefined;
  }

  private statusOf(job: Job): RebuildStatus {
    const { record } = job;
    return {
      ...IDLE,
      ...(record === undefined ? {} : this.progressOf(record)),
      ...paceOf(job.milestones, Number(this.deps.projector.state.position)),
      state: job.isComparing ? 'comparing' : 'running',
      models: job.models,
      startedAt: record?.startedAt ?? job.startedAt,
      resumed: job.resumed,
      parked: record === undefined ? [] : parkedList(record.parked),
    };
  }

  private progressOf({ position, events }: BuildRecord) {
    const { log, projector } = this.deps;
    const [done, total] = [position, projector.state.position].map((at) =>
      log.commitsBetween(START, at),
    ) as [number, number];
    return { done, total, events };
  }
}

const modelsOf = (model: ModelName | undefined): readonly ModelName[] =>
  model === undefined ? PROJECTIONS.map((projection) => projection.model) : [model];

const isSame = (some: readonly ModelName[], others: readonly ModelName[]): boolean =>
  some.length === others.length && some.every((model) => others.includes(model));

const named = (models: readonly ModelName[]): string =>
  models.length === PROJECTIONS.length ? 'all read models' : models.join(', ');

const ageMs = ({ touchedAt }: BuildRecord): number => Date.now() - Date.parse(touchedAt);

const problemOf = (error: unknown): string => {
  if (isFenced(error)) return 'another process cancelled it, or rebuilds the same tables';
  return error instanceof Error ? error.message : String(error);
};
