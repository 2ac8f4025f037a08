import { START, type Position } from '@shiplog/events';
import type { EventLog } from '@shiplog/events/log';
import type { EntityManager } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { compareTables } from './compare-tables.js';
import type { ModelName } from './documents.js';
import {
  isProjectionFailed,
  ProjectionFencedError,
  RebuildDiffersError,
  type ProjectionFailedError,
} from './errors.js';
import { afterFailure } from './failure.js';
import { advanced, stretch, type Fill } from './fill.js';
import type { ReadModelsLogger } from './logger.js';
import { parkedList, withoutParked, withParked } from './parking.js';
import { PROJECTIONS } from './projections/index.js';
import type { Projector } from './projector.js';
import type { ModelDifference, RebuildResult } from './read-models.port.js';
import type { Snapshot, SqlDatabase } from './sql/database.js';
import { otherSlot, tableName } from './sql/entities.js';
import {
  claimBuild,
  CURRENT_VERSIONS,
  loadBuild,
  releaseBuild,
  requireState,
  switchTables,
  touchBuild,
  type BuildRecord,
  type ProjectionState,
} from './sql/projection-state.js';
import { TableFold } from './sql/table-fold.js';

/** Fewer than these are left to the switch, which holds everybody up. */
const COMMITS_LEFT_MAX = 400;
/** Of the switch: it revisits little. */
const ROWS_KEPT = 5_000;

export interface RebuildDependencies {
  readonly database: SqlDatabase;
  readonly log: EventLog;
  readonly projector: Projector;
  readonly codeHash: string;
  readonly fill: Fill;
  readonly logger: ReadModelsLogger;
}

export interface RebuildWatch {
  readonly signal: AbortSignal;
  readonly onProgress: (build: BuildRecord) => void;
  readonly onComparing: () => void;
}

/** Claims and empties the tables beside the served ones. */
export const beginBuild = async (
  { database, codeHash }: Pick<RebuildDependencies, 'database' | 'codeHash'>,
  models: readonly ModelName[],
  force: boolean,
): Promise<BuildRecord> =>
  database.write(async (manager) => {
    const state = await requireState(manager);
    const slots = { ...state.slots };
    for (const model of models) {
      slots[model] = otherSlot(state.slots[model]);
      await empty(manager, tableName(model, slots[model]));
    }
    const now = new Date().toISOString();
    const build: BuildRecord = {
      id: uuidv7(),
      models,
      slots,
      codeHash,
      force,
      position: START,
      hash: '',
      events: 0,
      startedAt: now,
      touchedAt: now,
      parked: {},
    };
    await claimBuild(manager, build);
    return build;
  });

/**
 * Makes this process the owner of a rebuild that another one began and does not go on with. Throws where
 * it is not what it was.
 */
export const takeOverBuild = async (
  { database }: Pick<RebuildDependencies, 'database'>,
  known: BuildRecord,
  force: boolean,
): Promise<BuildRecord> =>
  database.write(async (manager) => {
    const found = await loadBuild(manager);
    if (found?.id !== known.id) throw new ProjectionFencedError(`rebuild ${known.id}`);
    const build = { ...found, id: uuidv7(), force, touchedAt: new Date().toISOString() };
    await claimBuild(manager, build);
    return build;
  });

/** The room of tables that nobody will serve is given back, unless they are another rebuild's by now. */
export const abandonBuild = (database: SqlDatabase, { id, models, slots }: BuildRecord) =>
  database.write(async (manager) => {
    if (!(await releaseBuild(manager, id))) return;
    for (const model of models) await empty(manager, tableName(model, slots[model]));
  });

/**
 * Folds the log into the tables that are not served, while the served ones are read and written as ever;
 * compares both at one position; then makes the new ones the served ones in one transaction with the
 * checkpoint. `begun` has how far it is: it is written down with the rows, and goes on from there.
 */
export const rebuild = async (
  deps: RebuildDependencies,
  begun: BuildRecord,
  watch: RebuildWatch,
): Promise<RebuildResult> => {
  const startedMs = performance.now();
  const build = new Build(deps, begun, watch);
  const { state, differences } = await build.run();
  const { models, parked, events } = build.record;
  await deps.database.write(async (manager) => {
    if ((await loadBuild(manager)) !== undefined) return;
    for (const model of models) {
      await empty(manager, tableName(model, otherSlot(state.slots[model])));
    }
  });
  return {
    models: models.filter((model) => parked[model] === undefined),
    position: state.position,
    events,
    durationMs: Math.round(performance.now() - startedMs),
    differences,
    parked: parkedList(parked),
  };
};

interface Switched {
  readonly state: ProjectionState;
  readonly differences: readonly ModelDifference[];
}

class Build {
  constructor(
    private readonly deps: RebuildDependencies,
    public record: BuildRecord,
    private readonly watch: RebuildWatch,
  ) {}

  async run(): Promise<Switched> {
    for (;;) {
      try {
        await this.follow();
        const differences = await this.compare();
        return { state: await this.finish(), differences };
      } catch (error) {
        // Met in the last few commits: `follow` meets it again, and knows what to do.
        if (!isProjectionFailed(error) || this.parkedAll()) throw error;
      }
    }
  }

  /** To about where the served tables are. They move on meanwhile: the rest is done where nobody writes. */
  private async follow(): Promise<void> {
    const { projector, log } = this.deps;
    const left = (): number => log.commitsBetween(this.record.position, projector.state.position);
    do await this.fillUpTo(projector.state.position);
    while (left() > COMMITS_LEFT_MAX);
  }

  private async fillUpTo(until: Position): Promise<void> {
    const { log, fill } = this.deps;
    const { signal, onProgress } = this.watch;
    let before: Position | undefined;
    let oneByOne = false;
    while (log.compare(this.record.position, until) < 0) {
      const base = this.record;
      const job = {
        models: this.made(),
        slots: base.slots,
        owner: { kind: 'build', build: base },
        after: base.position,
        until: before ?? until,
        oneByOne,
      } as const;
      try {
        const filled = await fill(job, {
          signal,
          onProgress: (done) => onProgress((this.record = advanced(base, done))),
        });
        this.record = advanced(base, filled);
        before = undefined;
        if (filled.events === 0) return;
      } catch (error) {
        if (!isProjectionFailed(error)) throw error;
        const next = await this.afterFailure(error);
        before = next.kind === 'apply-before' ? next.until : undefined;
        oneByOne = next.kind === 'one-by-one';
      }
    }
  }

  private async afterFailure(failure: ProjectionFailedError) {
    const { database, log, logger } = this.deps;
    const stored = await loadBuild(database.queries);
    if (stored?.id !== this.record.id) throw new ProjectionFencedError(`rebuild ${this.record.id}`);
    this.record = stored;
    const next = afterFailure(failure, stored.position, log);
    if (next.kind === 'one-by-one') return next;
    const between = next.kind === 'park' ? [] : await stretch(log, stored.position, next.until, 1);
    if (between.length > 0) return next;
    const parked = withParked(stored.parked, failure, stored.position, new Date());
    this.record = { ...stored, parked };
    // None is left to be made: then nothing is gained by going on.
    if (this.parkedAll()) throw failure;
    await database.write((manager) => touchBuild(manager, this.record));
    logger.warn({ err: failure, model: failure.model }, 'read-models.not-rebuilt');
    return { kind: 'park' } as const;
  }

  /** At one position: row by row, in one view of the database. */
  private async compare(): Promise<readonly ModelDifference[]> {
    const { database } = this.deps;
    this.watch.onComparing();
    for (;;) {
      const snapshot = await database.writeAndLook(
        async (manager) => {
          await touchBuild(manager, this.record);
          await this.catchUp(manager, (await requireState(manager)).position);
        },
        (taken) => this.atOnePosition(taken),
      );
      if (snapshot === undefined) {
        // Another api moved the served tables on in between.
        await this.follow();
        continue;
      }
      try {
        return await this.differencesIn(snapshot);
      } finally {
        await snapshot.end();
      }
    }
  }

  private async atOnePosition(snapshot: Snapshot): Promise<Snapshot | undefined> {
    const { position } = await requireState(snapshot.manager);
    if (position === this.record.position) return snapshot;
    await snapshot.end();
    return undefined;
  }

  private async differencesIn({ manager }: Snapshot): Promise<readonly ModelDifference[]> {
    const state = await requireState(manager);
    const differences: ModelDifference[] = [];
    for (const model of this.made()) {
      // What stands still, and what has another shape, is different for a reason.
      if (state.parked[model] !== undefined || !isCurrent(state, model)) continue;
      const tables = {
        made: tableName(model, this.record.slots[model]),
        served: tableName(model, state.slots[model]),
      };
      const difference = await compareTables(manager, model, tables, this.watch.signal);
      if (difference !== undefined) differences.push(difference);
    }
    const isExpected = state.codeHash !== this.deps.codeHash || this.record.force;
    if (differences.length > 0 && !isExpected) throw new RebuildDiffersError(differences);
    return differences;
  }

  /** The last few commits and the switch, while nobody else writes. */
  private async finish(): Promise<ProjectionState> {
    const { database, projector, codeHash } = this.deps;
    this.watch.signal.throwIfAborted();
    const state = await database.write(async (manager) => {
      await touchBuild(manager, this.record);
      const before = await requireState(manager);
      await this.catchUp(manager, before.position);
      const switched = this.switched(before);
      const isAll = switched.length === PROJECTIONS.length;
      const parked = Object.entries(this.record.parked).filter(([model]) =>
        switched.includes(model as ModelName),
      );
      return switchTables(manager, before, {
        position: before.position,
        hash: before.hash,
        slots: { ...before.slots, ...pick(this.record.slots, switched) },
        versions: { ...before.versions, ...pick(CURRENT_VERSIONS, switched) },
        codeHash: isAll ? codeHash : before.codeHash,
        parked: { ...withoutParked(before.parked, switched), ...Object.fromEntries(parked) },
      });
    });
    projector.adopt(state);
    return state;
  }

  /** The few commits up to there, in the caller's transaction. Anew each time: it may be rolled back. */
  private async catchUp(manager: EntityManager, end: Position): Promise<void> {
    const { log } = this.deps;
    const projections = PROJECTIONS.filter(({ model }) => this.made().includes(model));
    const fold = new TableFold(projections, this.record.slots, ROWS_KEPT);
    let record = this.record;
    for (;;) {
      const batch = await stretch(log, record.position, end, COMMITS_LEFT_MAX);
      const last = batch.at(-1);
      if (last === undefined) break;
      await fold.take(manager, batch);
      const events = batch.reduce((sum, { commit }) => sum + commit.events.length, 0);
      record = advanced(record, { position: last.position, hash: last.hash, events });
    }
    await touchBuild(manager, record);
    this.record = record;
  }

  private made(): readonly ModelName[] {
    return this.record.models.filter((model) => this.record.parked[model] === undefined);
  }

  private parkedAll(): boolean {
    return this.made().length === 0;
  }

  /** What could not be made stays as it is served, unless that has a shape that is not served any more. */
  private switched(before: ProjectionState): readonly ModelName[] {
    return this.record.models.filter(
      (model) => this.record.parked[model] === undefined || !isCurrent(before, model),
    );
  }
}

const isCurrent = (state: ProjectionState, model: ModelName): boolean =>
  state.versions[model] === CURRENT_VERSIONS[model];

const pick = <T>(
  values: Readonly<Record<ModelName, T>>,
  models: readonly ModelName[],
): Partial<Record<ModelName, T>> =>
  Object.fromEntries(models.map((model) => [model, values[model]]));

// Not TRUNCATE: on PostgreSQL that empties the table for snapshots that began before it, too.
const empty = (manager: EntityManager, table: string): Promise<unknown> =>
  manager.createQueryBuilder().delete().from(table).execute();
