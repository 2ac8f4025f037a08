import { chmod, mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { DataSource, EntitySchema, MoreThan, type DataSourceOptions } from 'typeorm';
import { parseSealedLine, sealedLine, type Sealed } from './checkpoint.js';
import {
  CheckpointTakenError,
  UNREADABLE_END,
  type TestifyingStore,
  type Testimony,
} from './checkpoint-store.js';

/**
 * SQLite: a file of its own, so that whoever deletes the read models keeps the checkpoints. PostgreSQL: a
 * table beside theirs, which no rebuild knows.
 */
export type CheckpointDatabase =
  | { readonly kind: 'sqlite'; readonly file: string }
  | { readonly kind: 'postgres'; readonly url: string };

interface CheckpointRow {
  readonly number: number;
  /** The line of a witness file: checkpoint and commit hashes. */
  readonly line: string;
}

const TABLE = 'shiplog_checkpoint';
const TABLE_LOCK = 7_404_461;
const ROWS_AT_ONCE = 200;

const rowEntity = new EntitySchema<CheckpointRow>({
  name: TABLE,
  tableName: TABLE,
  columns: { number: { type: 'integer', primary: true }, line: { type: 'text' } },
});

/** Checkpoints in SQL. Of two processes one gets a number: the primary key decides. */
export class CheckpointTable implements TestifyingStore {
  /** TypeORM has one connection to SQLite: one thing after the other. */
  private tail: Promise<unknown> = Promise.resolve();

  private constructor(
    readonly name: string,
    private readonly source: DataSource,
  ) {}

  static async open(database: CheckpointDatabase): Promise<CheckpointTable> {
    if (database.kind === 'sqlite')
      await mkdir(dirname(database.file), { recursive: true, mode: 0o700 });
    const source = await new DataSource(optionsOf(database)).initialize();
    try {
      if (database.kind === 'sqlite') await chmod(database.file, 0o600);
      await source.transaction(async (manager) => {
        // Two processes that start at once make the table once.
        if (database.kind === 'postgres')
          await manager.query('SELECT pg_advisory_xact_lock($1)', [TABLE_LOCK]);
        await manager.query(
          `CREATE TABLE IF NOT EXISTS "${TABLE}" ("number" integer PRIMARY KEY, "line" text NOT NULL)`,
        );
      });
      return new CheckpointTable('SQL', source);
    } catch (error) {
      await source.destroy();
      throw error;
    }
  }

  newest(): Promise<Sealed | undefined> {
    return this.inTurn(async () => {
      const [row] = await this.source.manager.find(rowEntity, {
        order: { number: 'DESC' },
        take: 1,
      });
      return row === undefined ? undefined : parseSealedLine(row.line);
    });
  }

  async after(number: number, limit = Infinity): Promise<readonly Sealed[]> {
    const { sealed } = await this.read(number, limit);
    return sealed;
  }

  async testimony(): Promise<Testimony> {
    const { sealed, isWhole } = await this.read(0, Infinity);
    return { sealed, problem: isWhole ? undefined : UNREADABLE_END };
  }

  put(sealed: readonly Sealed[]): Promise<void> {
    const [first] = sealed;
    if (first === undefined) return Promise.resolve();
    const { number } = first.checkpoint;
    return this.inTurn(async () => {
      try {
        await this.source.transaction(async (manager) => {
          for (const one of sealed)
            await manager.insert(rowEntity, {
              number: one.checkpoint.number,
              line: sealedLine(one),
            });
        });
      } catch (cause) {
        const taken = await this.source.manager.countBy(rowEntity, {
          number: MoreThan(number - 1),
        });
        if (taken === 0) throw cause;
        throw new CheckpointTakenError(`another process made checkpoint ${number}`, { cause });
      }
    });
  }

  close(): Promise<void> {
    return this.inTurn(() => this.source.destroy());
  }

  /** A portion at a time: lines are twice as large as what is read of them. */
  private async read(
    after: number,
    limit: number,
  ): Promise<{ readonly sealed: readonly Sealed[]; readonly isWhole: boolean }> {
    const sealed: Sealed[] = [];
    let number = after;
    let isWhole = true;
    while (sealed.length < limit) {
      const rows = await this.rowsAfter(number, Math.min(ROWS_AT_ONCE, limit - sealed.length));
      for (const row of rows) {
        const one = parseSealedLine(row.line);
        if (one !== undefined) sealed.push(one);
        isWhole = one !== undefined;
        number = row.number;
      }
      if (rows.length === 0) break;
    }
    return { sealed, isWhole };
  }

  private rowsAfter(number: number, take: number): Promise<readonly CheckpointRow[]> {
    return this.inTurn(() =>
      this.source.manager.find(rowEntity, {
        where: { number: MoreThan(number) },
        order: { number: 'ASC' },
        take,
      }),
    );
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.tail.then(work);
    this.tail = result.catch(() => undefined);
    return result;
  }
}

const optionsOf = (database: CheckpointDatabase): DataSourceOptions => {
  const entities = [rowEntity];
  if (database.kind === 'postgres') {
    const { url } = database;
    const applicationName = 'shiplog-checkpoints';
    return {
      type: 'postgres',
      url,
      entities,
      applicationName,
      poolSize: 1,
      connectTimeoutMS: 10_000,
    };
  }
  return {
    type: 'better-sqlite3',
    driver: createRequire(import.meta.url)('libsql') as unknown,
    database: database.file,
    timeout: 2_000,
    enableWAL: true,
    entities,
    prepareDatabase: (connection: { pragma(text: string): unknown }) => {
      connection.pragma('synchronous = FULL');
    },
  };
};
