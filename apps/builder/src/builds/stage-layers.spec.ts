import { describe, expect, it } from 'vitest';
import { StageLayers } from './stage-layers.js';

const after = (...said: readonly (readonly [step: string, layer?: string])[]): StageLayers => {
  const stages = new StageLayers();
  for (const [step, layer] of said) {
    stages.step(step);
    if (layer !== undefined) stages.layer(layer);
  }
  return stages;
};

describe('layers of the stages of a Dockerfile', () => {
  it('are the last of each stage that is over, and the newest of this one', () => {
    const stages = after(
      ['ARG VERSION=1'],
      ['FROM node AS build', 'base'],
      ['RUN a', 'a'],
      ['RUN b', 'b'],
      ['from node', 'base'],
      ['COPY --from=build /x /x', 'c'],
    );
    expect(stages.ended).toEqual(['b']);
    expect(stages.current).toEqual(['c']);
  });

  it('are never a base image', () => {
    const stages = after(['FROM node AS base', 'base'], ['FROM base', 'base'], ['RUN fails']);
    expect(stages.ended).toEqual([]);
    expect(stages.current).toEqual([]);
  });
});
