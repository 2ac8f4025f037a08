import { setTimeout as delay } from 'node:timers/promises';
import { START, type Position } from '@shiplog/events';
import { assertStillThere, type EventLog, type LogFeed } from '@shiplog/events/log';
import { projectionCodeHash, snapshotCodeHash } from './code-hash.js';
import { isFenced, isProjectionFailed, ReadModelsUnavailableError } from './errors.js';
import { afterFailure } from './failure.js';
import { fillHere, stretch, type Fill } from './fill.js';
import type { ReadModelsLogger } from './logger.js';
import { ParkedModels } from './parked-models.js';
import { parkedList, unparkedModels, withParked } from './parking.js';
import { PROJECTIONS } from './projections/index.js';
import { Projector, type ProjectPoint } from './projector.js';
import { readModelsOver } from './query/queries.js';
import type { RunningReadModels } from './read-models.port.js';
import { Rebuilds } from './rebuilds.js';
import { describeDatabase, SqlDatabase, type Database } from './sql/database.js';
import {
  changeParked,
  CURRENT_VERSIONS,
  loadOrCreateState,
  requireState,
  type ProjectionState,
} from './sql/projection-state.js';
import { sqlRowStore } from './sql/sql-row-store.js';
import { LogTimes } from './time/log-times.js';
import type { MakePast } from './time/make-past.js';
import { Past, removeOpened, type PastPlace } from './time/past.js';
import { SnapshotFiles } from './time/snapshot-files.js';
import { SnapshotKeeper } from './time/snapshot-keeper.js';

export interface ReadModelsOptions {
  readonly database: Database;
  readonly log: EventLog;
  /** Started and caught up. */
  readonly feed: Pick<LogFeed, 'position' | 'onBatch' | 'catchUp'>;
  readonly logger: ReadModelsLogger;
  /** Folds long stretches of the log. Default: this thread, as it does short ones, in small steps. */
  readonly fill?: Fill;
  /** Where snapshots of the past are kept, and who makes them. Default: none, and the past is folded in memory. */
  readonly past?: { readonly directory: string; readonly make: MakePast };
  /** Called at each point of projecting, for tests that end the process there. Default: nothing. */
  readonly fault?: (point: ProjectPoint) => void;
}

/** PostgreSQL where a URL is given (`SHIPLOG_DATABASE_URL`), else a SQLite file. */
export const databaseOf = (databaseUrl: string | undefined, sqliteFile: string): Database =>
  databaseUrl === undefined
    ? { kind: 'sqlite', file: sqliteFile }
    : { kind: 'postgres', url: databaseUrl };

/** Fewer commits than these are read in less time than a thread takes to start. */
const FILL_FROM = 5_000;

/**
 * Brings served tables that are far behind the log near to its end, for `startReadModels` to do the rest:
 * needs no feed, so that both can read a long log at once. Does nothing to tables that have to be made again.
 */
export const catchUpReadModels = async (
  options: Omit<ReadModelsOptions, 'feed' | 'fill' | 'fault'> & { readonly fill: Fill },
): Promise<void> => {
  const { log, logger, fill } = options;
  const head = await log.head();
  if (log.commitsBetween(START, head) < FILL_FROM) return;
  const database = await SqlDatabase.open(options.database, logger);
  const where = describeDatabase(options.database);
  let oneByOne = false;
  let before: Position | undefined;
  const fillUp = async (state: ProjectionState): Promise<void> => {
    if (!hasCurrentShape(state) || log.commitsBetween(state.position, head) < FILL_FROM) return;
    await assertSameLog(log, state, where);
    try {
      const filled = await fillServed(state, before ?? head, { fill, oneByOne });
      logger.info(filled, 'read-models.caught-up');
      if (before === undefined) return;
      before = undefined;
    } catch (error) {
      if (isFenced(error)) {
        // Another api fills the same tables: two that fence each other would both get there late.
        return fillUp(await stillState(database));
      }
      if (!isProjectionFailed(error)) throw error;
      const { position, parked } = await requireState(database.queries);
      const next = afterFailure(error, position, log);
      oneByOne = next.kind === 'one-by-one';
      before = next.kind === 'apply-before' ? next.until : undefined;
      const isNext = before === undefined || (await stretch(log, position, before, 1)).length === 0;
      if (!oneByOne && isNext) {
        before = undefined;
        const stands = withParked(parked, error, position, new Date());
        await database.write(async (manager) =>
          changeParked(manager, await requireState(manager), stands),
        );
        logger.error({ err: error, model: error.model }, 'read-models.parked');
      }
    }
    return fillUp(await requireState(database.queries));
  };
  try {
    const codeHash = await projectionCodeHash();
    await fillUp(await database.write((manager) => loadOrCreateState(manager, codeHash)));
  } finally {
    await database.close();
  }
};

const fillServed = async (
  state: ProjectionState,
  until: Position,
  { fill, oneByOne }: { readonly fill: Fill; readonly oneByOne: boolean },
) => {
  const models = unparkedModels(state.parked);
  const { slots, position } = state;
  const owner = { kind: 'checkpoint', state } as const;
  const startedMs = performance.now();
  const filled = await fill({ models, slots, owner, after: position, until, oneByOne });
  const durationMs = Math.round(performance.now() - startedMs);
  return { from: position, to: filled.position, events: filled.events, durationMs };
};

/** Longer than a thread takes for one transaction. */
const STILL_MS = 1_000;

/** Once nobody has moved the checkpoint for a while. */
const stillState = async (database: SqlDatabase): Promise<ProjectionState> => {
  for (let before: Position | undefined; ; await delay(STILL_MS)) {
    const state = await requireState(database.queries);
    if (state.position === before) return state;
    before = state.position;
  }
};

/**
 * Opens the read models and follows the log with them, from their checkpoint on. Resolves when they hold
 * what the log held at the call. Documents of an older shape are never served: where a projection's
 * version changed, the tables are made again first; where only its code changed, beside.
 */
export const startReadModels = async (options: ReadModelsOptions): Promise<RunningReadModels> => {
  const { log, feed, logger, fault } = options;
  const database = await SqlDatabase.open(options.database, logger);
  let projector: Projector | undefined;
  try {
    const codeHash = await projectionCodeHash();
    const state = await database.write((manager) => loadOrCreateState(manager, codeHash));
    const head = await feed.catchUp();
    await assertSameLog(log, state, describeDatabase(options.database));
    projector = new Projector({ database, log, feed, logger, fault }, state);
    const place = await pastPlaceOf(options);
    const parts = runningReadModels(options, database, projector, codeHash, place);
    const { running, rebuilds, parkedModels } = parts;
    if (!hasCurrentShape(state)) await running.rebuild();
    projector.start();
    if (hasCurrentShape(state) && state.codeHash !== codeHash) rebuildBeside(rebuilds, logger);
    else {
      // Both go on while the models are served.
      void rebuilds.resume().catch((error: unknown) => {
        logger.warn({ err: error }, 'read-models.rebuild-not-resumed');
      });
      void parkedModels.start();
    }
    await projector.reach(head, FIRST_FILL_TIMEOUT_MS);
    return running;
  } catch (error) {
    await projector?.stop();
    await database.close();
    throw error;
  }
};

/** An empty database is filled before it is served; ten million commits take this long. */
const FIRST_FILL_TIMEOUT_MS = 15 * 60_000;

const pastPlaceOf = async ({ past }: ReadModelsOptions): Promise<PastPlace | undefined> => {
  if (past === undefined) return undefined;
  await removeOpened(past.directory);
  return { ...past, codeHash: await snapshotCodeHash() };
};

const runningReadModels = (
  { log, feed, logger, fill }: ReadModelsOptions,
  database: SqlDatabase,
  projector: Projector,
  codeHash: string,
  place: PastPlace | undefined,
) => {
  const past = new Past(log, place);
  const snapshots =
    place === undefined ? undefined : new SnapshotFiles(place.directory, place.codeHash);
  const times = new LogTimes(log, { marks: () => snapshots?.marks(log) ?? Promise.resolve([]) });
  const isIdle = (): boolean => past.isIdle;
  const keeper =
    place === undefined ? undefined : new SnapshotKeeper({ log, feed, place, logger, isIdle });
  const stopping = new AbortController();
  const rebuilds = new Rebuilds(
    {
      database,
      log,
      logger,
      projector,
      codeHash,
      fill: fillBySize(log, fillHere(database, log), fill),
    },
    stopping.signal,
  );
  const parkedModels = new ParkedModels({ database, log, projector, logger });
  const running: RunningReadModels = {
    queries: readModelsOver(sqlRowStore(database)),
    queriesAtLeast: (position) => readModelsOver(sqlRowStore(database, position)),
    at: (position, signal) => past.at(position, signal),
    positionAt: (at) => times.positionAt(at),
    reach: (position, timeoutMs) => projector.reach(position, timeoutMs),
    checkpoint: () => ({ position: projector.state.position, hash: projector.state.hash }),
    parked: () => parkedList(projector.state.parked),
    rebuild: (model, rebuildOptions) => rebuilds.run(model, rebuildOptions),
    startRebuild: (model, rebuildOptions) => rebuilds.start(model, rebuildOptions),
    rebuildStatus: () => rebuilds.status(),
    cancelRebuild: () => rebuilds.cancel(),
    stop: async () => {
      await Promise.all([past.forget(), keeper?.stop()]);
      await projector.stop();
      // A rebuild under way ends with its next write: the next start goes on with it.
      stopping.abort(new ReadModelsUnavailableError('rebuilding while the process stops'));
      database.refuseWrites();
      await parkedModels.stop();
      await rebuilds.settled();
      await database.close();
    },
  };
  return { running, rebuilds, parkedModels };
};

const fillBySize =
  (log: EventLog, here: Fill, beside: Fill = here): Fill =>
  (job, options) =>
    (log.commitsBetween(job.after, job.until) < FILL_FROM ? here : beside)(job, options);

const hasCurrentShape = (state: ProjectionState): boolean =>
  PROJECTIONS.every(({ model }) => state.versions[model] === CURRENT_VERSIONS[model]);

const rebuildBeside = (rebuilds: Rebuilds, logger: ReadModelsLogger): void => {
  logger.info({}, 'read-models.rebuilding-with-new-code');
  rebuilds.run(undefined).catch((error: unknown) => {
    // What is served stays right for its own code; the next start tries again.
    logger.error({ err: error }, 'read-models.rebuild-failed');
  });
};

/** The commit at the checkpoint must still be the one that was projected. */
const assertSameLog = async (
  log: EventLog,
  { position, hash }: ProjectionState,
  where: string,
): Promise<void> => {
  if (position === START) return;
  const by = `the read models in ${where}`;
  await assertStillThere(log, { position, hash, by, remedy: 'delete that database' });
};
