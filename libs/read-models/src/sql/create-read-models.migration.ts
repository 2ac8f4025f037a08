import type { MigrationInterface, QueryRunner } from 'typeorm';
import type { AnyProjection } from '../projection.js';
import { PROJECTIONS } from '../projections/index.js';
import { COLUMN_NAMES, STATE_TABLE, tableName } from './entities.js';

/**
 * The first layout. Rows hold nothing that the log does not: a later layout may drop these tables and
 * make others, and the start fills them.
 */
export class CreateReadModels1763700000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    const text = textType(queryRunner);
    await queryRunner.query(
      `CREATE TABLE "${STATE_TABLE}" ("name" ${text} PRIMARY KEY, "position" ${text} NOT NULL, ` +
        `"hash" ${text} NOT NULL, "epoch" integer NOT NULL, "slots" text NOT NULL, ` +
        `"versions" text NOT NULL, "code_hash" text NOT NULL, "building" text)`,
    );
    for (const projection of PROJECTIONS) await createModelTables(queryRunner, projection);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const { model } of PROJECTIONS) {
      for (const slot of ['a', 'b'] as const) {
        await queryRunner.query(`DROP TABLE "${tableName(model, slot)}"`);
      }
    }
    await queryRunner.query(`DROP TABLE "${STATE_TABLE}"`);
  }
}

/** Byte order everywhere: PostgreSQL would otherwise sort by the locale it was set up with. */
const textType = ({ connection }: QueryRunner): string =>
  connection.options.type === 'postgres' ? 'text COLLATE "C"' : 'text COLLATE BINARY';

/** The two tables of one model, and their indices. */
export const createModelTables = async (
  queryRunner: QueryRunner,
  { model, indexed }: AnyProjection,
): Promise<void> => {
  const text = textType(queryRunner);
  for (const slot of ['a', 'b'] as const) {
    const table = tableName(model, slot);
    await queryRunner.query(
      `CREATE TABLE "${table}" ("key" ${text} PRIMARY KEY, "place" ${text}, "app_id" ${text}, ` +
        `"team_id" ${text}, "user_id" ${text}, "status" ${text}, "name" ${text}, ` +
        `"document" text NOT NULL)`,
    );
    for (const column of indexed) {
      const name = COLUMN_NAMES[column];
      await queryRunner.query(`CREATE INDEX "${table}_${name}" ON "${table}" ("${name}", "place")`);
    }
    await queryRunner.query(`CREATE INDEX "${table}_place" ON "${table}" ("place")`);
  }
};
