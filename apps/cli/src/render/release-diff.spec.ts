import type { Release } from '@shiplog/api-client';
import { expect, it } from 'vitest';
import { diffOf } from './release-diff.js';

const release = (version: number, more: Partial<Release> = {}): Release =>
  ({
    version,
    image: `shop:${version}`,
    imageId: 'sha256:1',
    imageBytes: 10,
    commit: null,
    processes: ['web'],
    configChanges: { set: [], unset: [] },
    ...more,
  }) as Release;

it('two releases differ by image, processes, and the keys that were touched between them', () => {
  const all = [
    release(4, { configChanges: { set: ['B'], unset: ['A'] }, processes: ['web', 'worker'] }),
    release(3, { configChanges: { set: ['A', 'C'], unset: [] }, imageId: 'sha256:2' }),
    release(2, { configChanges: { set: ['Z'], unset: [] } }),
  ] as const;
  expect(diffOf(all, all[2], all[0])).toMatchObject({
    from: 2,
    to: 4,
    image: null,
    config: { set: ['B', 'C'], unset: ['A'] },
    processes: { added: ['worker'], removed: [] },
  });
  expect(diffOf(all, all[2], all[1]).image).toMatchObject({
    from: { imageId: 'sha256:1' },
    to: { imageId: 'sha256:2' },
  });
});
