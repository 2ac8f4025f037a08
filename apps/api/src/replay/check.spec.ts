import { createRequire } from 'node:module';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { PastLog } from '@shiplog/read-models';
import { derivedPathsOf } from '@shiplog/runtime';
import { startTestApi, type TestApi } from '../testing/start-test-api.js';
import { checkReplay } from './check.js';
import { RunningPlatform } from './running-platform.js';

interface Sqlite {
  prepare(sql: string): { all(): { name: string }[]; run(...values: string[]): unknown };
  close(): void;
}
const Database = createRequire(import.meta.url)('libsql') as new (file: string) => Sqlite;

let api: TestApi;
let ben: string;
beforeAll(async () => {
  api = await startTestApi();
  ben = await api.addUser('ben');
  await api.deployed('shop', 2);
});
afterAll(() => api.stop());
afterEach(() => vi.restoreAllMocks());

const told: [number, number][] = [];
const check = (token = api.token, log: PastLog = api.platform.api.log) =>
  checkReplay(log, new RunningPlatform(api.url, token), (done, total) => told.push([done, total]));

/** What nothing but a fault of a disk or of code can do. */
const tamper = (change: (document: string) => string): void => {
  const database = new Database(
    derivedPathsOf({ ...api.platform.api.config, home: api.home }).database,
  );
  const tables = database
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE '%apps%'")
    .all();
  for (const { name } of tables) {
    const rows = database.prepare(`SELECT "key" AS name FROM "${name}"`).all();
    for (const { name: key } of rows) {
      const [row] = database
        .prepare(`SELECT "document" AS name FROM "${name}" WHERE "key" = '${key}'`)
        .all();
      database
        .prepare(`UPDATE "${name}" SET "document" = ? WHERE "key" = ?`)
        .run(change(row?.name ?? ''), key);
    }
  }
  database.close();
};

describe('replay check', () => {
  it('finds nothing where this code made what is served, and appends nothing', async () => {
    const append = vi.spyOn(api.platform.api.log, 'append');
    const head = await api.platform.api.log.head();
    const result = await check();
    expect(result).toMatchObject({ position: head, from: 'tables', differences: [], failures: [] });
    expect(result.documents).toBeGreaterThan(5);
    expect(told.at(-1)).toEqual([Number(head), Number(head)]);
    expect(append).not.toHaveBeenCalled();
  });

  it('tells how far it is in commits, also where positions count something else', async () => {
    const { log } = api.platform.api;
    const commitsBetween = (after: string, until: string) => (Number(until) - Number(after)) * 7;
    await check(
      api.token,
      Object.create(log, { commitsBetween: { value: commitsBetween } }) as PastLog,
    );
    const total = Number(await log.head()) * 7;
    expect(told.at(-1)).toEqual([total, total]);
  });

  it('looks at the log as the platform reads it where its tables do not stand still', async () => {
    const platform = new RunningPlatform(api.url, api.token);
    const position = vi.spyOn(platform, 'position');
    const head = await api.platform.api.log.head();
    for (let n = 0; n < 20; n += 1) position.mockResolvedValueOnce(`${n}`.padStart(20, '0'));
    expect(await platform.served()).toMatchObject({ position: head, from: 'log' });
  });

  it('is for administrators', async () => {
    await expect(check(ben)).rejects.toMatchObject({ status: 403, code: 'not-administrator' });
    await expect(check('shp_wrong')).rejects.toMatchObject({ status: 401 });
  });

  it('tells model, key and field of what is served otherwise', async () => {
    tamper((document) => document.replace('"lastVersion":2', '"lastVersion":7'));
    const { differences } = await check();
    expect(differences).toEqual([
      { model: 'apps', key: expect.any(String), field: 'lastVersion', old: 7, new: 2 },
    ]);
    tamper((document) => document.replace('"lastVersion":7', '"lastVersion":2'));
    expect((await check()).differences).toEqual([]);
  });
});
