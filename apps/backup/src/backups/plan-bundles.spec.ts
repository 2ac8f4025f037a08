import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planBundles } from './plan-bundles.js';

const MASTER = 'master-key/master.key';
const keyOf = (appId: string): string => `keys/${appId}.key`;
const backup = (content: string, ...apps: string[]) => ({
  backupId: content,
  keys: { recipient: 'age1', content, files: [MASTER, ...apps.map(keyOf)] },
});

describe('the bundles of keys that stay', () => {
  it('are the newest alone, where keys were only added, or destroyed with their apps', () => {
    const backups = [backup('one', 'a', 'gone'), backup('two', 'a', 'b')];
    const planned = planBundles(backups, new Set(['a', 'b']));
    expect(planned).toEqual({ kept: new Set(['two']), lost: [] });
  });

  it('are also the newest that has a key which was lost while its app lives', () => {
    const backups = [backup('one', 'a'), backup('two', 'a', 'b'), backup('three', 'b')];
    const planned = planBundles(backups, new Set(['a', 'b']));
    expect(planned).toEqual({ kept: new Set(['two', 'three']), lost: [keyOf('a')] });
  });

  it('have every key of every living app that any backup had', () => {
    const appIds = ['a', 'b', 'c', 'd'];
    const some = fc.subarray(appIds);
    fc.assert(
      fc.property(fc.array(some, { minLength: 1, maxLength: 6 }), some, (history, living) => {
        const backups = history.map((apps, i) => backup(`bundle-${i}`, ...apps));
        const { kept, lost } = planBundles(backups, new Set(living));
        const filesIn = (all: typeof backups) => new Set(all.flatMap(({ keys }) => keys.files));
        const there = filesIn(backups.filter(({ backupId }) => kept.has(backupId)));
        const ever = filesIn(backups);
        for (const file of living.map(keyOf)) expect(there.has(file)).toBe(ever.has(file));
        const newest = filesIn(backups.slice(-1));
        const missed = living.map(keyOf).filter((file) => ever.has(file) && !newest.has(file));
        expect(lost).toEqual(missed.toSorted());
      }),
    );
  });
});
