import { START, type Position } from '@shiplog/events';
import { IsNull, type EntityManager } from 'typeorm';
import type { ModelName } from '../documents.js';
import { ProjectionFencedError } from '../errors.js';
import { PROJECTIONS } from '../projections/index.js';
import { stateEntity, type Slot, type StateRow } from './entities.js';

/** All models are projected together, under one name and one checkpoint. */
const NAME = 'read-models';

export type Slots = Readonly<Record<ModelName, Slot>>;

export interface ProjectionState {
  readonly position: Position;
  readonly hash: string;
  readonly epoch: number;
  readonly slots: Slots;
  readonly versions: Readonly<Partial<Record<ModelName, number>>>;
  readonly codeHash: string;
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
    })
    .orIgnore()
    .updateEntity(false)
    .execute();
  const state = await loadState(manager);
  if (state === undefined) throw new Error('the state row of the read models vanished');
  return state;
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

/** Makes the rebuild the owner of the tables that are not served; whoever built there before stops. */
export const claimBuild = (manager: EntityManager, buildId: string): Promise<unknown> =>
  manager.update(stateEntity, { name: NAME }, { building: buildId });

/** Throws where another rebuild took the tables over. Locks them against it until the transaction ends. */
export const assertBuild = async (manager: EntityManager, buildId: string): Promise<void> => {
  const { affected } = await manager.update(
    stateEntity,
    { name: NAME, building: buildId },
    { building: buildId },
  );
  if (affected !== 1) throw new ProjectionFencedError(`rebuild ${buildId}`);
};

/** Does no rebuild own the tables that are not served? None can take them until the transaction ends. */
export const isUnclaimed = async (manager: EntityManager): Promise<boolean> => {
  const { affected } = await manager.update(
    stateEntity,
    { name: NAME, building: IsNull() },
    { building: null },
  );
  return affected === 1;
};

/** The rebuilt tables become the served ones. */
export const switchTables = async (
  manager: EntityManager,
  from: ProjectionState,
  to: Pick<ProjectionState, 'position' | 'hash' | 'slots' | 'versions' | 'codeHash'>,
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
      building: null,
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
});
