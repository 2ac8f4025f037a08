import { beforeEach, describe, expect, it } from 'vitest';
import { objectName } from '../content/content-store.js';
import { FORMAT, manifestName, type Manifest } from '../content/manifest.js';
import { InMemoryBackupTarget } from '../target/in-memory-backup-target.js';
import { prune } from './prune.js';

/** The name of an object, from its first letters. */
const hash = (letters: string): string => letters.padEnd(64, '0');

const backup = (day: number, keys: string, ...objects: string[]): Manifest => ({
  format: FORMAT,
  backupId: `2026010${day}T000000Z-00000001`,
  platform: 'test',
  domain: 'localhost',
  nodeId: 'n1',
  startedAt: `2026-01-0${day}T00:00:00.000Z`,
  createdAt: `2026-01-0${day}T00:00:01.000Z`,
  base: null,
  position: '0'.repeat(20),
  headHash: hash('a'),
  log: [],
  keys: { recipient: 'age1', content: hash(keys), files: ['keys/app.key'] },
  files: [],
  sources: [],
  repositories: [],
  images: [],
  volumes: [],
  volumesLeft: [],
  missing: [],
  objects: [keys, ...objects].map((letters) => ({
    content: hash(letters),
    bytes: 3,
    object: hash(letters),
    storedBytes: 3,
  })),
  addedBytes: 0,
});

describe('pruning a place', () => {
  let target: InMemoryBackupTarget;
  const livingApps = new Set(['app']);
  const ours = [backup(1, 'b1', 'aa', 'ab'), backup(2, 'b2', 'ab'), backup(3, 'b3', 'ab', 'ac')];
  const others = [backup(4, 'c1', 'ad')];

  beforeEach(() => {
    target = new InMemoryBackupTarget();
    for (const { backupId, objects } of [...ours, ...others]) {
      target.files.set(manifestName(backupId), Buffer.from('{}'));
      for (const { object } of objects) target.files.set(objectName(object), Buffer.from('123'));
    }
    target.files.set(objectName(hash('ff')), Buffer.from('left by a run that was cut off'));
  });

  const objectsLeft = (): string[] =>
    [...target.files.keys()]
      .flatMap((name) => /^objects\/..\/(..)/.exec(name)?.[1] ?? [])
      .toSorted();
  const backupsLeft = (): number =>
    [...target.files.keys()].filter((name) => name.startsWith('backups/')).length;

  it('keeps every backup where nothing says otherwise, and the newest keys', async () => {
    const pruned = await prune(target, { ours, others: [] }, { keep: null, livingApps });
    expect(pruned).toMatchObject({ backupIds: [], problem: null });
    expect(backupsLeft()).toBe(4);
    expect(objectsLeft()).toEqual(['aa', 'ab', 'ac', 'b3']);
  });

  it('removes what is not kept, and only what nothing else refers to', async () => {
    const pruned = await prune(target, { ours, others }, { keep: '1', livingApps });
    const gone = ours.slice(0, 2).map(({ backupId }) => backupId);
    expect(pruned).toMatchObject({ backupIds: gone, problem: null });
    expect(objectsLeft()).toEqual(['ab', 'ac', 'ad', 'b3', 'c1']);
    expect(backupsLeft()).toBe(2);
  });

  it('says what it removed until it could go on no more, and goes on the next time', async () => {
    const remove = target.remove.bind(target);
    const [, second] = ours;
    target.remove = (name) =>
      name === manifestName(second?.backupId ?? '')
        ? Promise.reject(new Error('the place is gone'))
        : remove(name);
    const cutOff = await prune(target, { ours, others }, { keep: '1', livingApps });
    expect(cutOff).toEqual({
      backupIds: [ours[0]?.backupId],
      bytes: 0,
      problem: expect.stringContaining('the place is gone') as string,
    });
    target.remove = remove;
    await prune(target, { ours: ours.slice(1), others }, { keep: '1', livingApps });
    expect(objectsLeft()).toEqual(['ab', 'ac', 'ad', 'b3', 'c1']);
  });
});
