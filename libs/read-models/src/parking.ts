import type { Position } from '@shiplog/events';
import type { ModelName } from './documents.js';
import type { ProjectionFailedError } from './errors.js';
import { PROJECTIONS } from './projections/index.js';
import type { ParkedModel } from './read-models.port.js';
import type { Parked, ParkedByModel } from './sql/projection-state.js';

/** The model of the failure stands still at `position`, the last commit that it holds. */
export const withParked = (
  parked: ParkedByModel,
  { model, at, problem }: Pick<ProjectionFailedError, 'model' | 'at' | 'problem'>,
  position: Position,
  now: Date,
): ParkedByModel => {
  const known = parked[model];
  const record: Parked = {
    position,
    sequence: at?.sequence ?? position,
    problem,
    since: known?.since ?? now.toISOString(),
  };
  return { ...parked, [model]: record };
};

export const withoutParked = (parked: ParkedByModel, models: readonly ModelName[]): ParkedByModel =>
  Object.fromEntries(
    Object.entries(parked).filter(([model]) => !models.includes(model as ModelName)),
  );

export const parkedList = (parked: ParkedByModel): readonly ParkedModel[] =>
  Object.entries(parked).map(([model, record]) => ({ model: model as ModelName, ...record }));

/** Every model that goes on. */
export const unparkedModels = (parked: ParkedByModel): readonly ModelName[] =>
  PROJECTIONS.map(({ model }) => model).filter((model) => parked[model] === undefined);
