import { chmod, mkdir, open, rename } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { DataSource, type DataSourceOptions, type EntityManager } from 'typeorm';
import { ReadModelsUnavailableError } from '../errors.js';
import type { ReadModelsLogger } from '../logger.js';
import { PROJECTIONS } from '../projections/index.js';
import { AddRuns1764200000000 } from './add-runs.migration.js';
import { CreateReadModels1763700000000 } from './create-read-models.migration.js';
import { KeepRebuilds1764100000000 } from './keep-rebuilds.migration.js';
import { entitiesOf } from './entities.js';

export type Database =
  | { readonly kind: 'sqlite'; readonly file: string }
  | { readonly kind: 'postgres'; readonly url: string };

/** What a connection is for. `filling`: a long stretch of the log, in a thread of its own. */
type Use = 'reading' | 'writing' | 'filling';

/** How long a writer waits for another process that writes to the same SQLite file. */
const BUSY_TIMEOUT_MS = 2_000;
const MIGRATION_LOCK = 7_404_460;

/** For messages: never with a password. */
export const describeDatabase = (database: Database): string => {
  if (database.kind === 'sqlite') return database.file;
  try {
    const { host, pathname } = new URL(database.url);
    return `postgres://${host}${pathname}`;
  } catch {
    return 'PostgreSQL';
  }
};

/** A consistent view of all tables at one moment. */
export interface Snapshot {
  readonly manager: EntityManager;
  end(): Promise<void>;
}

/**
 * Two data sources: TypeORM has one connection per SQLite data source, so that a query beside an open
 * transaction would join it and see what may be rolled back. All writes go through one queue for the
 * same reason.
 */
export class SqlDatabase {
  private tail: Promise<unknown> = Promise.resolve();
  private isClosing = false;

  private constructor(
    readonly place: Database,
    private writer: DataSource,
    private readonly reader: DataSource,
    private readonly use: Exclude<Use, 'reading'> = 'writing',
  ) {}

  static async open(place: Database, logger: ReadModelsLogger): Promise<SqlDatabase> {
    try {
      const writer = await openWriter(place, logger);
      try {
        await migrate(writer, place);
        const reader = await new DataSource(optionsOf(place, 'reading')).initialize();
        return new SqlDatabase(place, writer, reader);
      } catch (error) {
        await writer.destroy();
        throw error;
      }
    } catch (cause) {
      throw new ReadModelsUnavailableError(`opening ${describeDatabase(place)}`, { cause });
    }
  }

  /**
   * Beside a process that has opened it, in another thread of it: the tables are there, and so are the
   * rights of the files.
   */
  static async attach(place: Database): Promise<SqlDatabase> {
    const writer = await openAgain(place, 'filling');
    const reader = await new DataSource(optionsOf(place, 'reading')).initialize();
    return new SqlDatabase(place, writer, reader, 'filling');
  }

  /** Runs one piece of writing after the other, each in a transaction of its own. */
  write<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.inTurn(() => this.transaction(work));
  }

  /** Writes, and looks at what is there then, before anybody else in this process writes. */
  writeAndLook<T>(
    work: (manager: EntityManager) => Promise<unknown>,
    look: (snapshot: Snapshot) => Promise<T>,
  ): Promise<T> {
    return this.inTurn(async () => {
      await this.transaction(work);
      return look(await this.snapshot());
    });
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.tail.then(() => {
      if (this.isClosing) throw new ReadModelsUnavailableError('writing while the process stops');
      return work();
    });
    this.tail = result.catch(() => undefined);
    return result;
  }

  /**
   * On a full disk SQLite refuses to commit and has rolled back by itself, so that rolling back fails,
   * too. TypeORM, which has one connection for all transactions, takes that one for open then: later ones
   * would be nested in it, succeed, and never be committed. So a connection on which something failed is
   * never used again.
   */
  private async transaction<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    if (!this.writer.isInitialized) this.writer = await openAgain(this.place, this.use);
    try {
      return await this.writer.transaction(work);
    } catch (error) {
      if (this.place.kind === 'sqlite') await this.writer.destroy();
      throw error;
    }
  }

  /** From now on `write` fails: for a stop in the middle of a long job. */
  refuseWrites(): void {
    this.isClosing = true;
  }

  /** While a long stretch is filled, of the connection that writes: what it wrote last it has at hand. */
  get queries(): EntityManager {
    return (this.use === 'filling' ? this.writer : this.reader).manager;
  }

  async snapshot(): Promise<Snapshot> {
    if (this.place.kind === 'postgres') {
      const runner = this.reader.createQueryRunner();
      await runner.startTransaction('REPEATABLE READ');
      const end = async (): Promise<void> => {
        await runner.rollbackTransaction();
        await runner.release();
      };
      return { manager: runner.manager, end };
    }
    // A connection of its own: other queries must not be held at this moment.
    const own = await new DataSource(optionsOf(this.place, 'reading')).initialize();
    await own.query('BEGIN');
    return { manager: own.manager, end: () => own.destroy() };
  }

  /** Moves everything that was written into the SQLite file itself, so that the file alone can be copied. */
  async settle(): Promise<void> {
    await this.tail;
    const rows = await this.writer.query<{ busy: number }[]>('PRAGMA wal_checkpoint(TRUNCATE)');
    if (rows[0]?.busy !== 0) throw new Error(`${describeDatabase(this.place)} is in use`);
  }

  async close(): Promise<void> {
    await this.tail;
    await this.reader.destroy();
    if (!this.writer.isInitialized) return;
    // Else the next small transaction of the process that serves would do it, on the thread that answers.
    if (this.place.kind === 'sqlite' && this.use === 'filling')
      await this.writer.query('PRAGMA wal_checkpoint(PASSIVE)');
    await this.writer.destroy();
  }
}

const openAgain = async (place: Database, use: Use): Promise<DataSource> => {
  try {
    return await new DataSource(optionsOf(place, use)).initialize();
  } catch (cause) {
    throw new ReadModelsUnavailableError(`opening ${describeDatabase(place)}`, { cause });
  }
};

const openWriter = async (place: Database, logger: ReadModelsLogger): Promise<DataSource> => {
  if (place.kind === 'sqlite') await keepToOwner(place.file);
  try {
    return await new DataSource(optionsOf(place, 'writing')).initialize();
  } catch (error) {
    if (place.kind !== 'sqlite' || !isDamaged(error)) throw error;
    // Nothing is lost: everything in it comes from the log.
    logger.warn({ file: place.file }, 'read-models.damaged-database-set-aside');
    await rename(place.file, `${place.file}.damaged`);
    await keepToOwner(place.file);
    return new DataSource(optionsOf(place, 'writing')).initialize();
  }
};

/**
 * Before SQLite opens it: the log beside it, in which the newest rows are, gets the rights of the file. One
 * that exists is not opened here: closing it again would drop every lock that this process holds on it.
 */
const keepToOwner = async (file: string): Promise<void> => {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const made = await open(file, 'wx', 0o600).catch(unless('EEXIST'));
  await made?.close();
  for (const name of [file, `${file}-wal`, `${file}-shm`]) {
    await chmod(name, 0o600).catch(unless('ENOENT'));
  }
};

const unless =
  (code: string) =>
  (error: NodeJS.ErrnoException): undefined => {
    if (error.code !== code) throw error;
    return undefined;
  };

const isDamaged = (error: unknown): boolean =>
  error instanceof Error &&
  /SQLITE_NOTADB|SQLITE_CORRUPT|not a database|malformed/.test(
    `${error.message} ${String((error as { code?: unknown }).code)}`,
  );

const KIB = 1_024;
/**
 * Kilobytes of pages at hand, and pages of the log between two checkpoints, which are what waits for the disk.
 * A long stretch touches pages all over the tables, many times each: with few of them at hand it spends its
 * time on writing them out and reading them again.
 */
const PAGES = {
  writing: { cacheKilobytes: 2 * KIB, checkpointPages: 4_000 },
  filling: { cacheKilobytes: 64 * KIB, checkpointPages: 32_000 },
} as const;

const optionsOf = (place: Database, use: Use): DataSourceOptions => {
  const readOnly = use === 'reading';
  const common = {
    entities: entitiesOf(PROJECTIONS),
    migrations: [CreateReadModels1763700000000, KeepRebuilds1764100000000, AddRuns1764200000000],
    migrationsTableName: 'shiplog_migrations',
  };
  if (place.kind === 'postgres') {
    return {
      ...common,
      type: 'postgres',
      url: place.url,
      applicationName: 'shiplog-read-models',
      poolSize: readOnly ? 6 : 2,
      connectTimeoutMS: 10_000,
      ...(readOnly ? { extra: { options: '-c default_transaction_read_only=on' } } : {}),
    };
  }
  return {
    ...common,
    type: 'better-sqlite3',
    // Loaded here, so that a platform on PostgreSQL never loads it.
    driver: createRequire(import.meta.url)('libsql') as unknown,
    database: place.file,
    timeout: BUSY_TIMEOUT_MS,
    ...(readOnly ? { readonly: true } : { enableWAL: true }),
    // Losing the newest transactions with the power costs a few commits that are projected again.
    prepareDatabase: (connection: { pragma(text: string): unknown }) => {
      if (use === 'reading') return void connection.pragma('query_only = ON');
      connection.pragma('synchronous = NORMAL');
      connection.pragma(`wal_autocheckpoint = ${PAGES[use].checkpointPages}`);
      // Negative: in kilobytes.
      connection.pragma(`cache_size = -${PAGES[use].cacheKilobytes}`);
    },
  };
};

/** Two processes that start at once on one PostgreSQL database make its tables once. */
const migrate = async (writer: DataSource, place: Database): Promise<void> => {
  if (place.kind === 'sqlite') {
    await writer.runMigrations({ transaction: 'all' });
    return;
  }
  const runner = writer.createQueryRunner();
  try {
    await runner.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await writer.runMigrations({ transaction: 'all' });
  } finally {
    await runner.query('SELECT pg_advisory_unlock($1)', [MIGRATION_LOCK]);
    await runner.release();
  }
};
