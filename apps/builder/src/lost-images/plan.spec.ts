import { describe, expect, it } from 'vitest';
import { explainFault } from '../builds/explain.js';
import { planFound, planRebuilds, type NeededImage } from './plan.js';

const needed = (buildId: string): NeededImage => ({
  job: { buildId, appId: 'a1', source: { kind: 'image', ref: 'x' } },
  image: { id: `sha256:${buildId}`, ref: 'x', sizeBytes: 1, exposedPorts: [], repoDigest: null },
  lost: null,
});
const idle = { running: new Set<string>(), notBefore: new Map<string, number>() };
const limits = { parallel: 2 };
const idsOf = (plan: readonly NeededImage[]) => plan.map(({ job }) => job.buildId);

describe('which images are made again', () => {
  it('those that are needed and surely not there', () => {
    const present = new Set(['sha256:b1']);
    expect(idsOf(planRebuilds([needed('b1'), needed('b2')], present, idle, limits, 0))).toEqual([
      'b2',
    ]);
  });
  it('no more at once than may be, and each once', () => {
    const all = [needed('b1'), needed('b2'), needed('b3')];
    const running = { ...idle, running: new Set(['b1']) };
    expect(idsOf(planRebuilds(all, new Set(), running, limits, 0))).toEqual(['b2']);
  });
  it('not before it makes sense to try again', () => {
    const waiting = { ...idle, notBefore: new Map([['b1', 10]]) };
    expect(idsOf(planRebuilds([needed('b1')], new Set(), waiting, limits, 9))).toEqual([]);
    expect(idsOf(planRebuilds([needed('b1')], new Set(), waiting, limits, 10))).toEqual(['b1']);
  });
});

describe('which images were found again', () => {
  it('those that the log has as lost and the engine has after all', () => {
    const lost = { ...needed('b1'), lost: explainFault(new Error('nowhere'), []) };
    const present = new Set(['sha256:b1', 'sha256:b2']);
    expect(idsOf(planFound([lost, needed('b2')], present))).toEqual(['b1']);
    expect(planFound([lost], new Set())).toEqual([]);
  });
});
