import { LABEL } from '@shiplog/engine';
import type Docker from 'dockerode';
import { expect, it } from 'vitest';
import { removeContainers } from './images.js';

it('removes what a build left, and not what only its output names', async () => {
  const labelsOf: Record<string, Record<string, string>> = {
    step: { [LABEL.platform]: 'p', [LABEL.kind]: 'cache' },
    instance: { [LABEL.platform]: 'q', [LABEL.instance]: 'web-1' },
    run: { [LABEL.platform]: 'p', [LABEL.kind]: 'run' },
  };
  const removed: string[] = [];
  const engine = {
    getContainer: (id: string) => ({
      inspect: () =>
        id in labelsOf
          ? Promise.resolve({ Config: { Labels: labelsOf[id] } })
          : Promise.reject(Object.assign(new Error('no such container'), { statusCode: 404 })),
      remove: () => Promise.resolve(removed.push(id)),
    }),
  } as unknown as Docker;
  await removeContainers(engine, ['step', 'instance', 'gone', 'run']);
  expect(removed).toEqual(['step']);
});
