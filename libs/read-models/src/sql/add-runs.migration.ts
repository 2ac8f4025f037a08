import type { MigrationInterface, QueryRunner } from 'typeorm';
import { runProjection } from '../projections/run.projection.js';
import { createModelTables } from './create-read-models.migration.js';
import { tableName } from './entities.js';

/** Runs are a model of their own. Where all tables were made just now, theirs are among them. */
export class AddRuns1764200000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    if (await queryRunner.hasTable(tableName('runs', 'a'))) return;
    await createModelTables(queryRunner, runProjection);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    for (const slot of ['a', 'b'] as const) {
      await queryRunner.query(`DROP TABLE IF EXISTS "${tableName('runs', slot)}"`);
    }
  }
}
