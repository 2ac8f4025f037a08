import { expect, it } from 'vitest';
import type { Manifest } from '../content/manifest.js';
import { suspectObjects } from './suspects.js';

const backup = (backupId: string, ...objects: string[]): Manifest =>
  ({
    backupId,
    objects: objects.map((object) => ({ content: object, bytes: 1, object, storedBytes: 1 })),
  }) as unknown as Manifest;

it('suspects what a backup that was found damaged has, unless a newer one that is whole has it', () => {
  const manifests = [backup('1', 'a', 'b', 'c'), backup('2', 'a', 'd'), backup('3', 'a', 'b')];
  const suspected = (outcomes: Readonly<Record<string, 'verified' | 'failed'>>): string[] =>
    suspectObjects(manifests, (backupId) => outcomes[backupId] ?? 'none').map(
      ({ object }) => object,
    );
  expect(suspected({})).toEqual([]);
  expect(suspected({ 1: 'failed' })).toEqual(['a', 'b', 'c']);
  expect(suspected({ 1: 'failed', 3: 'verified' })).toEqual(['c']);
  expect(suspected({ 1: 'verified', 2: 'failed' })).toEqual(['a', 'd']);
});
