import { START, type Position, type RecordedCommit } from '@shiplog/events';
import type { EventLog } from '@shiplog/events/log';
import type { EntityManager } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import type { ModelName } from './documents.js';
import { stretch, type Fill, type Filled } from './fill.js';
import type { AnyProjection } from './projection.js';
import type { Projector } from './projector.js';
import type { RebuildProgress } from './read-models.port.js';
import type { SqlDatabase } from './sql/database.js';
import { otherSlot, tableName } from './sql/entities.js';
import {
  assertBuild,
  claimBuild,
  CURRENT_VERSIONS,
  isUnclaimed,
  loadState,
  switchTables,
  type ProjectionState,
  type Slots,
} from './sql/projection-state.js';
import { TableFold } from './sql/table-fold.js';

/** Fewer than these are left to the switch, which holds everybody up. */
const COMMITS_LEFT_MAX = 400;
/** Of the switch: it revisits little. */
const ROWS_KEPT = 5_000;

interface RebuildDependencies {
  readonly database: SqlDatabase;
  readonly log: EventLog;
  readonly projector: Projector;
  readonly codeHash: string;
  readonly fill: Fill;
}

export interface RebuildResult {
  readonly position: Position;
  readonly events: number;
  readonly durationMs: number;
}

/**
 * Folds the log from its start into the tables that are not served, while the served ones are read and
 * written as ever, then makes them the served ones in one transaction with the checkpoint.
 */
export const rebuild = async (
  deps: RebuildDependencies,
  projections: readonly AnyProjection[],
  { onProgress, signal }: RebuildOptions,
): Promise<RebuildResult> => {
  const startedMs = performance.now();
  const buildId = uuidv7();
  const models = projections.map(({ model }) => model);
  const slots = await takeOver(deps.database, buildId, models);
  const build = new Build(deps, { projections, models, slots, buildId });

  await build.follow(onProgress, signal);
  const { state, before } = await build.finish();
  await emptyUnserved(deps.database, models, before.slots);
  return {
    position: state.position,
    events: build.events,
    durationMs: Math.round(performance.now() - startedMs),
  };
};

export interface RebuildOptions {
  readonly onProgress: (progress: RebuildProgress) => void;
  readonly signal: AbortSignal;
}

interface BuildOf {
  readonly projections: readonly AnyProjection[];
  readonly models: readonly ModelName[];
  readonly slots: Slots;
  readonly buildId: string;
}

class Build {
  private filled: Filled = { position: START, hash: '', events: 0 };

  constructor(
    private readonly deps: RebuildDependencies,
    private readonly of: BuildOf,
  ) {}

  get events(): number {
    return this.filled.events;
  }

  /** To about where the served tables are. They move on meanwhile: the rest is `finish`'s. */
  async follow(
    onProgress: (progress: RebuildProgress) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const { fill, projector } = this.deps;
    const { models, slots, buildId } = this.of;
    const tell = (position: Position): void =>
      onProgress({ done: Number(position), total: Number(projector.state.position) });
    const left = (): number => Number(projector.state.position) - Number(this.filled.position);
    do {
      this.add(
        await fill(
          {
            models,
            slots,
            owner: { kind: 'build', buildId },
            after: this.filled.position,
            until: projector.state.position,
          },
          { signal, onProgress: tell },
        ),
      );
    } while (left() > COMMITS_LEFT_MAX);
  }

  /** The last few commits and the switch, while nobody else writes. */
  finish(): Promise<{ state: ProjectionState; before: ProjectionState }> {
    const { database, projector, codeHash } = this.deps;
    const { projections, models, slots, buildId } = this.of;
    const isAll = models.length === Object.keys(CURRENT_VERSIONS).length;
    const fold = new TableFold(projections, slots, ROWS_KEPT);
    return database
      .write(async (manager) => {
        await assertBuild(manager, buildId);
        const before = await loadState(manager);
        if (before === undefined) throw new Error('the state row of the read models vanished');
        for (;;) {
          const batch = await this.rest(before.position);
          const last = batch.at(-1);
          if (last === undefined) break;
          await fold.take(manager, batch);
          const events = batch.reduce((sum, { commit }) => sum + commit.events.length, 0);
          this.add({ position: last.position, hash: last.hash, events });
        }
        const state = await switchTables(manager, before, {
          position: before.position,
          hash: before.position === START ? '' : this.filled.hash,
          slots: { ...before.slots, ...slots },
          versions: isAll ? CURRENT_VERSIONS : { ...before.versions, ...versionsOf(models) },
          codeHash: isAll ? codeHash : before.codeHash,
        });
        return { state, before };
      })
      .then((switched) => {
        projector.adopt(switched.state);
        return switched;
      });
  }

  private rest(end: Position): Promise<readonly RecordedCommit[]> {
    return stretch(this.deps.log, this.filled.position, end, COMMITS_LEFT_MAX);
  }

  private add(more: Filled): void {
    const hash = more.hash === '' ? this.filled.hash : more.hash;
    this.filled = { ...more, hash, events: this.filled.events + more.events };
  }
}

const versionsOf = (models: readonly ModelName[]): Partial<Record<ModelName, number>> =>
  Object.fromEntries(models.map((model) => [model, CURRENT_VERSIONS[model]]));

/** Claims and empties the tables beside the served ones. */
const takeOver = (
  database: SqlDatabase,
  buildId: string,
  models: readonly ModelName[],
): Promise<Slots> =>
  database.write(async (manager) => {
    await claimBuild(manager, buildId);
    const state = await loadState(manager);
    if (state === undefined) throw new Error('the state row of the read models vanished');
    const slots = { ...state.slots };
    for (const model of models) {
      slots[model] = otherSlot(state.slots[model]);
      await empty(manager, tableName(model, slots[model]));
    }
    return slots;
  });

/** Gives the room of the old tables back, unless another rebuild works there already. */
const emptyUnserved = (
  database: SqlDatabase,
  models: readonly ModelName[],
  slots: Slots,
): Promise<void> =>
  database.write(async (manager) => {
    if (!(await isUnclaimed(manager))) return;
    for (const model of models) await empty(manager, tableName(model, slots[model]));
  });

// Not TRUNCATE: on PostgreSQL that empties the table for snapshots that began before it, too.
const empty = (manager: EntityManager, table: string): Promise<unknown> =>
  manager.createQueryBuilder().delete().from(table).execute();
