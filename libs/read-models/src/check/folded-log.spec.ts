import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { toPosition, type Position } from '@shiplog/events';
import type { DumpRow } from '../query/row-store.js';
import { breakProjection } from '../testing/failing-projection.js';
import { recordHistory } from '../testing/history.js';
import type { RecordedPlatform } from '../testing/platform.js';
import { Past } from '../time/past.js';
import { differencesOf } from './differences.js';
import { FoldedLog } from './folded-log.js';

let platform: RecordedPlatform;
let head: number;
beforeAll(async () => {
  platform = await recordHistory({ apps: 3, turns: 25, seed: 11 });
  head = Number(await platform.log.head());
});
afterAll(() => platform.stop());
afterEach(() => vi.unstubAllEnvs());

const served = async (position: Position): Promise<string[]> => {
  const past = new Past(platform.log);
  const lines: string[] = [];
  for await (const line of (await past.at(position)).dump()) lines.push(line);
  await past.forget();
  return lines;
};
const compared = async (position: Position, lines: readonly string[]) => {
  const folded = new FoldedLog(platform.log);
  await folded.foldTo(position);
  return folded.compare(lines);
};
/** The same documents, but for what `change` makes of one. */
const changedAt = (lines: readonly string[], index: number, change: (row: DumpRow) => object[]) =>
  lines.flatMap((line, i) =>
    i === index ? change(JSON.parse(line) as DumpRow).map((row) => JSON.stringify(row)) : [line],
  );

describe('the whole log folded by this code', () => {
  it('differs in nothing from what is served by it, wherever it stands', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: head }), async (n) => {
        const lines = await served(toPosition(n));
        const { documents, differences, failures } = await compared(toPosition(n), lines);
        expect({ documents, differences, failures }).toEqual({
          documents: lines.length,
          differences: [],
          failures: [],
        });
      }),
      { numRuns: 10 },
    );
  });

  it('tells every document that is another one, missing or too much', async () => {
    const position = toPosition(head);
    const lines = await served(position);
    const other = { document: { name: 'x' } };
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: lines.length - 1 }), async (index) => {
        const { model, key, document } = JSON.parse(lines[index] ?? '') as DumpRow;
        const without = await compared(
          position,
          changedAt(lines, index, () => []),
        );
        expect(without.differences).toEqual([{ model, key, field: null, new: document }]);
        const more = changedAt(lines, index, (row) => [row, { ...row, ...other, key: `${key}-2` }]);
        expect((await compared(position, more)).differences).toEqual([
          { model, key: `${key}-2`, field: null, old: other.document },
        ]);
        const [field = ''] = Object.keys(document);
        const changed = changedAt(lines, index, (row) => [
          { ...row, document: { ...document, [field]: 'changed' } },
        ]);
        const found = (await compared(position, changed)).differences;
        expect(found.length).toBeGreaterThan(0);
        expect(found.every((one) => one.model === model && one.key === key)).toBe(true);
        expect(found[0]?.field?.split('.')[0]).toBe(field);
      }),
      { numRuns: 15 },
    );
  });

  it('tells what a changed projection makes otherwise', async () => {
    const lines = await served(toPosition(head));
    const bug = breakProjection('domains', ({ position }) => Number(position) > 50);
    try {
      const { failures, differences } = await compared(toPosition(head), lines);
      expect(failures).toMatchObject([{ model: 'domains' }]);
      expect(failures[0]?.problem).toContain('bug');
      expect(differences).toEqual([]);
    } finally {
      bug.mend();
    }
  });

  it('says the same in every time zone, from a log that it can only read', async () => {
    const lines = await served(toPosition(head));
    const odd = changedAt(lines, 3, (row) => [{ ...row, document: { name: 'İ', x: 1 } }]);
    const here = JSON.stringify(await compared(toPosition(head), odd));
    for (const zone of ['Pacific/Kiritimati', 'America/St_Johns']) {
      vi.stubEnv('TZ', zone);
      expect(JSON.stringify(await compared(toPosition(head), odd))).toBe(here);
    }
    expect(await platform.log.head()).toBe(toPosition(head));
  });

  it('goes on from where it is, tells how far, and gives up where the log ends', async () => {
    const folded = new FoldedLog(platform.log);
    await folded.foldTo(toPosition(100));
    const told: Position[] = [];
    await folded.foldTo(toPosition(head), (at) => told.push(at));
    expect(told.at(-1)).toBe(toPosition(head));
    expect((await folded.compare(await served(toPosition(head)))).differences).toEqual([]);
    await expect(folded.foldTo(toPosition(head + 1), undefined, 10)).rejects.toThrow(
      'the log ends',
    );
  });
});

describe('two documents', () => {
  it('are compared field by field, and lists as a whole', () => {
    const place = { model: 'apps', key: 'a' };
    const old = { a: 1, same: null, deep: { x: 1, y: [1] }, gone: true };
    const now = { deep: { y: [1, 2], x: 1 }, a: 1, same: null, fresh: {} };
    expect(differencesOf(place, old, now)).toEqual([
      { ...place, field: 'deep.y', old: [1], new: [1, 2] },
      { ...place, field: 'fresh', old: undefined, new: {} },
      { ...place, field: 'gone', old: true, new: undefined },
    ]);
  });
});
