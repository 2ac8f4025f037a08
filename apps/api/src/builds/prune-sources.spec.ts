import type { World } from '@shiplog/domain';
import { expect, it } from 'vitest';
import { neededSources } from './prune-sources.js';

const archive = (digest: string) => ({
  source: { kind: 'archive', digest, via: 'git', commit: null, branch: null },
  cancelRequested: false,
});

it('needs the sources of all builds that an app may go back to, and nothing of images', () => {
  const image = { source: { kind: 'image', ref: 'nginx:1' }, cancelRequested: false };
  const apps = [
    { builds: { b1: archive('sha256:1'), b2: image } },
    { builds: { b3: archive('sha256:3'), b4: archive('sha256:1') } },
  ];
  const world = { apps: () => apps } as unknown as Pick<World, 'apps'>;
  expect([...neededSources(world)]).toEqual(['sha256:1', 'sha256:3']);
});
