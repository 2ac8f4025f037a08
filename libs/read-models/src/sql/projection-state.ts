import { START, type Position, type Sequence } from '@shiplog/events';
import type { EntityManager } from 'typeorm';
import type { ModelName } from '../documents.js';
import { ProjectionFencedError } from '../errors.js';
import { PROJECTIONS } from '../projections/index.js';
import { stateEntity, type Slot, type StateRow } from './entities.js';

/** All models are projected together, under one name and one checkpoint. */
const NAME = 'read-models';

export type Slots = Readonly<Record<ModelName, Slot>>;

/** A model that stands still, because its projection cannot apply the next commit. */
export interface Parked {
  /** Its documents hold everything up to here and nothing after. */
  readonly position: Position;
  readonly sequence: Sequence;
  readonly problem: string;
  /** When it was parked. */
  readonly since: string;
}
export type ParkedByModel = Readonly<Partial<Record<ModelName, Parked>>>;

export interface ProjectionState {
  /** How far every model is that is not parked. */
  readonly position: Position;
  readonly hash: string;
  /** Grows with each switch of tables, and with each change of what is parked. */
  readonly epoch: number;
  readonly slots: Slots;
  readonly versions: Readonly<Partial<Record<ModelName, number>>>;
  readonly codeHash: string;
  readonly parked: ParkedByModel;
}

/** A rebuild under way, as it is kept: whoever has it can go on with it. */
export interface BuildRecord {
  readonly id: string;
  readonly models: readonly ModelName[];
  /** The tables that it fills; those of other models are the served ones. */
  readonly slots: Slots;
  readonly codeHash: string;
  /** Switch also when the same code made other documents. */
  readonly force: boolean;
  readonly position: Position;
  /** Of the commit there; empty at the start of the log. */
  readonly hash: string;
  readonly events: number;
  readonly startedAt: string;
  /** When it was last written to. */
  readonly touchedAt: string;
  /** Its models that cannot be made. */
  readonly parked: ParkedByModel;
}

const byModel = <T>(value: (version: number) => T): Record<ModelName, T> =>
  Object.fromEntries(PROJECTIONS.map(({ model, version }) => [model, value(version)])) as Record<
    ModelName,
    T
  >;

export const CURRENT_VERSIONS = byModel((version) => version);

export const loadState = async (manager: EntityManager): Promise<ProjectionState | undefined> => {
  const row = await manager.findOneBy(stateEntity, { name: NAME });
  return row === null ? undefined : stateOf(row);
};

/** For work that cannot go on without it. */
export const requireState = async (manager: EntityManager): Promise<ProjectionState> => {
  const state = await loadState(manager);
  if (state === undefined) throw new Error('the state row of the read models vanished');
  return state;
};

/** The rebuild that owns the tables that are not served. */
export const loadBuild = async (manager: EntityManager): Promise<BuildRecord | undefined> => {
  const row = await manager.findOneBy(stateEntity, { name: NAME });
  return row?.build == null || row.building === null
    ? undefined
    : (JSON.parse(row.build) as BuildRecord);
};

/** Made by whoever comes first; everybody reads what that one wrote. */
export const loadOrCreateState = async (
  manager: EntityManager,
  codeHash: string,
): Promise<ProjectionState> => {
  await manager
    .createQueryBuilder()
    .insert()
    .into(stateEntity)
    .values({
      name: NAME,
      position: START,
      hash: '',
      epoch: 0,
      slots: JSON.stringify(byModel(() => 'a')),
      versions: JSON.stringify(CURRENT_VERSIONS),
      codeHash,
      building: null,
      build: null,
      parked: '{}',
    })
    .orIgnore()
    .updateEntity(false)
    .execute();
  return requireState(manager);
};

/** Moves the checkpoint, if nobody else did: rows written in the same transaction stand or fall with it. */
export const moveCheckpoint = async (
  manager: EntityManager,
  from: ProjectionState,
  to: { readonly position: Position; readonly hash: string },
): Promise<ProjectionState> => {
  const { affected } = await manager.update(
    stateEntity,
    { name: NAME, position: from.position, hash: from.hash, epoch: from.epoch },
    to,
  );
  if (affected !== 1) throw new ProjectionFencedError(from.position);
  return { ...from, ...to };
};

/** Changes what is parked, if nobody moved or changed anything since. */
export const changeParked = async (
  manager: EntityManager,
  from: ProjectionState,
  parked: ParkedByModel,
): Promise<ProjectionState> => {
  const epoch = from.epoch + 1;
  const { affected } = await manager.update(
    stateEntity,
    { name: NAME, position: from.position, epoch: from.epoch },
    { parked: JSON.stringify(parked), epoch },
  );
  if (affected !== 1) throw new ProjectionFencedError(from.position);
  return { ...from, parked, epoch };
};

/** Makes the rebuild the owner of the tables that are not served; whoever built there before stops. */
export const claimBuild = (manager: EntityManager, build: BuildRecord): Promise<unknown> =>
  manager.update(stateEntity, { name: NAME }, { building: build.id, build: JSON.stringify(build) });

/**
 * Writes down how far the rebuild is. Throws where another one took the tables over, and locks them
 * against it until the transaction ends.
 */
export const touchBuild = async (manager: EntityManager, build: BuildRecord): Promise<void> => {
  const { affected } = await manager.update(
    stateEntity,
    { name: NAME, building: build.id },
    { build: JSON.stringify(build) },
  );
  if (affected !== 1) throw new ProjectionFencedError(`rebuild ${build.id}`);
};

/** The tables that are not served belong to nobody. Does nothing where they are not this rebuild's any more. */
export const releaseBuild = async (manager: EntityManager, id: string): Promise<boolean> => {
  const { affected } = await manager.update(
    stateEntity,
    { name: NAME, building: id },
    { building: null, build: null },
  );
  return affected === 1;
};

/** The rebuilt tables become the served ones. */
export const switchTables = async (
  manager: EntityManager,
  from: ProjectionState,
  to: Omit<ProjectionState, 'epoch'>,
): Promise<ProjectionState> => {
  const { affected } = await manager.update(
    stateEntity,
    { name: NAME, position: from.position, epoch: from.epoch },
    {
      position: to.position,
      hash: to.hash,
      epoch: from.epoch + 1,
      slots: JSON.stringify(to.slots),
      versions: JSON.stringify(to.versions),
      codeHash: to.codeHash,
      parked: JSON.stringify(to.parked),
      building: null,
      build: null,
    },
  );
  if (affected !== 1) throw new ProjectionFencedError(from.position);
  return { ...to, epoch: from.epoch + 1 };
};

const stateOf = (row: StateRow): ProjectionState => ({
  position: row.position,
  hash: row.hash,
  epoch: row.epoch,
  slots: JSON.parse(row.slots) as Slots,
  versions: JSON.parse(row.versions) as ProjectionState['versions'],
  codeHash: row.codeHash,
  parked: JSON.parse(row.parked) as ParkedByModel,
});
