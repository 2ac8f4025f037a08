import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { START, type RecordedCommit } from '@shiplog/events';
import type { ModelName } from './documents.js';
import { ProjectionFold } from './fold.js';
import { PROJECTIONS } from './projections/index.js';
import { memoryRowStore } from './query/memory-row-store.js';
import { dumpLine } from './query/canonical-dump.js';
import { readModelsOver } from './query/queries.js';
import { recordHistory } from './testing/index.js';
import { documentsOf, textOf } from './testing/documents-of.js';
import type { Entry } from './working-rows.js';

/** Tables as SQL has them: text under keys. What is not written is lost with the fold. */
class Tables {
  private readonly byModel = new Map<ModelName, Map<string, string>>(
    PROJECTIONS.map(({ model }) => [model, new Map()]),
  );

  load(fold: ProjectionFold, missing: ReadonlyMap<ModelName, readonly string[]>): void {
    for (const [model, keys] of missing) {
      for (const key of keys) {
        const stored = this.table(model).get(key);
        fold.rows(model).load(key, stored === undefined ? null : (JSON.parse(stored) as Entry));
      }
    }
  }

  write(fold: ProjectionFold): void {
    for (const { model } of PROJECTIONS) {
      const { changed, gone } = fold.rows(model).takeChanges();
      for (const { key, order, value } of changed) {
        this.table(model).set(key, JSON.stringify({ order, value }));
      }
      for (const key of gone) this.table(model).delete(key);
    }
  }

  dump(): string {
    return PROJECTIONS.flatMap(({ model }) =>
      [...this.table(model)]
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, stored]) => ({ key, entry: JSON.parse(stored) as Entry }))
        .filter(({ entry }) => entry.order !== null)
        .map(({ key, entry }) => dumpLine({ model, key, document: entry.value })),
    ).join('');
  }

  private table(model: ModelName): Map<string, string> {
    const table = this.byModel.get(model);
    if (table === undefined) throw new Error(model);
    return table;
  }
}

describe('folding the log into read models', () => {
  let commits: readonly RecordedCommit[] = [];
  let whole = '';

  beforeAll(async () => {
    const platform = await recordHistory({ apps: 4, turns: 15 });
    commits = await platform.log.readAfter(START, 1_000_000);
    whole = await textOf((await documentsOf(platform)).dump());
  });

  it('gives the same documents wherever batches end, a crash falls, and rows are let go', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 20 });
    const anyCrashes = fc.array(fc.boolean(), { minLength: 1, maxLength: 7 });
    fc.assert(
      fc.property(
        sizes,
        anyCrashes,
        fc.integer({ min: 0, max: 30 }),
        (batchSizes, crashes, kept) => {
          const crash = [...crashes];
          const tables = new Tables();
          let fold = ProjectionFold.overStore(PROJECTIONS);
          for (let at = 0, n = 0; at < commits.length; n += 1) {
            const batch = commits.slice(at, at + (batchSizes[n % batchSizes.length] ?? 1));
            const needed = fold.needed(batch);
            tables.load(fold, fold.missing(needed));
            tables.load(fold, fold.missing(fold.behind(needed)));
            fold.apply(batch);
            if (crash[n % crash.length] === true && n % 3 === 0) {
              // Nothing was written: the next process starts from what the tables say, once.
              fold = ProjectionFold.overStore(PROJECTIONS);
              crash[n % crash.length] = false;
              continue;
            }
            tables.write(fold);
            for (const { model } of PROJECTIONS) fold.rows(model).shrinkTo(kept);
            at += batch.length;
          }
          expect(tables.dump()).toBe(whole);
        },
      ),
      { numRuns: 15 },
    );
  });

  it('does not depend on the time zone', async () => {
    const { TZ } = process.env;
    try {
      process.env['TZ'] = 'Asia/Kathmandu';
      const fold = ProjectionFold.inMemory(PROJECTIONS);
      fold.apply(commits);
      let dump = '';
      for await (const line of readModelsOver(memoryRowStore(fold, START)).dump()) dump += line;
      expect(dump).toBe(whole);
    } finally {
      restore('TZ', TZ);
    }
  });

  it('knows every event of the vocabulary or leaves it to the streams of names', () => {
    const known = new Set(PROJECTIONS.flatMap(({ events }) => events));
    const types = new Set(commits.flatMap(({ commit }) => commit.events.map(({ type }) => type)));
    expect([...types].filter((type) => !known.has(type)).toSorted()).toEqual([
      'NameReleased',
      'NameReserved',
    ]);
  });
});

const restore = (name: string, value: string | undefined): void => {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
};
