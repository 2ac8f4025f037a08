import { expect, it } from 'vitest';
import type { CgroupPaths } from './cgroups/locate.js';
import type { Sample } from './cgroups/sample.js';
import { Look } from './look.js';
import type { WatchedContainer } from './watched-containers.js';

const container = (containerId: string) =>
  ({ containerId, paths: { memory: containerId } as CgroupPaths }) as WatchedContainer;

it('leaves out what is gone and what cannot be read, and tells of that once', () => {
  const told: string[] = [];
  let isForbidden = true;
  const look = new Look(
    ({ memory }, atMs) => {
      if (memory === 'gone') return undefined;
      if (memory === 'forbidden' && isForbidden) throw new Error('EACCES');
      return { atMs } as Sample;
    },
    ({ containerId }) => told.push(containerId),
  );
  const containers = ['forbidden', 'gone', 'there'].map(container);
  const seen = () => look.at(containers, 7).map((reading) => reading.container.containerId);
  expect(seen()).toEqual(['there']);
  expect(seen()).toEqual(['there']);
  expect(told).toEqual(['forbidden']);
  isForbidden = false;
  expect(seen()).toEqual(['forbidden', 'there']);
  isForbidden = true;
  expect(seen()).toEqual(['there']);
  expect(told).toEqual(['forbidden', 'forbidden']);
});
