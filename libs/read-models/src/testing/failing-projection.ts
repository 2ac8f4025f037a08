import { vi } from 'vitest';
import type { ModelName } from '../documents.js';
import type { AnyProjection, Envelope } from '../projection.js';
import { PROJECTIONS } from '../projections/index.js';

export const projectionOf = (model: ModelName): AnyProjection => {
  const found = PROJECTIONS.find((projection) => projection.model === model);
  if (found === undefined) throw new Error(`no projection makes ${model}`);
  return found;
};

/** Code with a bug: the projection throws at some events, until it is mended with what this returns. */
export const breakProjection = (
  model: ModelName,
  isHit: (at: Envelope) => boolean,
): { mend(): void } => {
  const projection = projectionOf(model);
  const evolve = projection.evolve.bind(projection);
  const spy = vi.spyOn(projection, 'evolve').mockImplementation((rows, event, at) => {
    evolve(rows, event, at);
    // Afterwards: what it has done for this event must not stay.
    if (isHit(at)) throw new Error('the bug\nof a test');
  });
  return { mend: () => spy.mockRestore() };
};
