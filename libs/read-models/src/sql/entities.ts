import { EntitySchema } from 'typeorm';
import type { ModelName } from '../documents.js';
import type { AnyProjection } from '../projection.js';

/**
 * Every model has two tables. One is served and written to; a rebuild fills the other one, and a switch
 * of the slot makes it the served one.
 */
export type Slot = 'a' | 'b';
export const otherSlot = (slot: Slot): Slot => (slot === 'a' ? 'b' : 'a');

/** A document (or a memory: `order` is null) with the columns that queries filter on. */
export interface Row {
  readonly key: string;
  readonly order: string | null;
  readonly appId: string | null;
  readonly teamId: string | null;
  readonly userId: string | null;
  readonly status: string | null;
  readonly name: string | null;
  /** JSON text, not a JSON column: databases reorder those, and refuse some strings. */
  readonly document: string;
}

/** How far the log was projected, and which tables are served. One row: they change together. */
export interface StateRow {
  readonly name: string;
  readonly position: string;
  /** SHA-256 of the commit at `position`: tells this log from another one of the same length. */
  readonly hash: string;
  /** Grows with each switch of tables. */
  readonly epoch: number;
  /** JSON: slot by model. */
  readonly slots: string;
  /** JSON: projection version by model. */
  readonly versions: string;
  readonly codeHash: string;
  /** Id of the rebuild that owns the tables that are not served. */
  readonly building: string | null;
  /** JSON: that rebuild, and how far it is; changes with the rows that it writes. */
  readonly build: string | null;
  /** JSON: by model, where it stands still and why. */
  readonly parked: string;
}

export const STATE_TABLE = 'shiplog_projection';
export const tableName = (model: ModelName, slot: Slot): string =>
  `shiplog_${model.replaceAll('-', '_')}_${slot}`;

export const COLUMN_NAMES = {
  key: 'key',
  order: 'place',
  appId: 'app_id',
  teamId: 'team_id',
  userId: 'user_id',
  status: 'status',
  name: 'name',
  document: 'document',
} as const satisfies Record<keyof Row, string>;

const text = (name: string) => ({ name, type: 'text', nullable: true }) as const;

const rowEntity = (model: ModelName, slot: Slot): EntitySchema<Row> =>
  new EntitySchema<Row>({
    name: tableName(model, slot),
    tableName: tableName(model, slot),
    columns: {
      key: { name: COLUMN_NAMES.key, type: 'text', primary: true },
      order: text(COLUMN_NAMES.order),
      appId: text(COLUMN_NAMES.appId),
      teamId: text(COLUMN_NAMES.teamId),
      userId: text(COLUMN_NAMES.userId),
      status: text(COLUMN_NAMES.status),
      name: text(COLUMN_NAMES.name),
      document: { name: COLUMN_NAMES.document, type: 'text' },
    },
  });

export const stateEntity = new EntitySchema<StateRow>({
  name: STATE_TABLE,
  tableName: STATE_TABLE,
  columns: {
    name: { type: 'text', primary: true },
    position: { type: 'text' },
    hash: { type: 'text' },
    epoch: { type: 'integer' },
    slots: { type: 'text' },
    versions: { type: 'text' },
    codeHash: { name: 'code_hash', type: 'text' },
    building: { type: 'text', nullable: true },
    build: { type: 'text', nullable: true },
    parked: { type: 'text' },
  },
});

export const entitiesOf = (projections: readonly AnyProjection[]): EntitySchema[] => [
  stateEntity as EntitySchema,
  ...projections.flatMap(({ model }) => [
    rowEntity(model, 'a') as EntitySchema,
    rowEntity(model, 'b') as EntitySchema,
  ]),
];
