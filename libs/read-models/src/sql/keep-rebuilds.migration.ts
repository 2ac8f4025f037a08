import type { MigrationInterface, QueryRunner } from 'typeorm';
import { STATE_TABLE } from './entities.js';

/** A rebuild goes on after a restart, and a model that cannot be made stands still alone: both are kept. */
export class KeepRebuilds1764100000000 implements MigrationInterface {
  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE "${STATE_TABLE}" ADD COLUMN "build" text`);
    await queryRunner.query(
      `ALTER TABLE "${STATE_TABLE}" ADD COLUMN "parked" text NOT NULL DEFAULT '{}'`,
    );
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE "${STATE_TABLE}" DROP COLUMN "build"`);
    await queryRunner.query(`ALTER TABLE "${STATE_TABLE}" DROP COLUMN "parked"`);
  }
}
