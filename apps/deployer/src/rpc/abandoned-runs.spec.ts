import type Docker from 'dockerode';
import { describe, expect, it } from 'vitest';
import { LABEL } from '@shiplog/engine';
import { endAbandonedRuns } from './abandoned-runs.js';

const run = (name: string, more: Record<string, string> = {}) => ({
  Id: name,
  Names: [`/${name}`],
  Labels: { [LABEL.kind]: 'run', [LABEL.app]: 'a1', ...more },
});
const detached = { [LABEL.detached]: 'true' };

describe('one-off commands that nobody waits for', () => {
  it('are ended; watched and detached ones go on while their app is there', async () => {
    const ended: string[] = [];
    const docker = {
      listContainers: () =>
        Promise.resolve([
          run('watched'),
          run('abandoned'),
          run('detached', detached),
          run('of-a-destroyed-app', { ...detached, [LABEL.app]: 'gone' }),
        ]),
      getContainer: (id: string) => ({ stop: () => Promise.resolve(ended.push(id)) }),
    } as unknown as Docker;
    await endAbandonedRuns({
      docker,
      platform: 'p1',
      isWatched: (name) => name === 'watched',
      isDestroyed: (appId) => appId === 'gone',
    });
    expect(ended).toEqual(['abandoned', 'of-a-destroyed-app']);
  });
});
