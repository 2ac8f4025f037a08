import { execFile } from 'node:child_process';
import { appendFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeParking } from './parking.contract.js';
import { describeReadModels } from './read-models.contract.js';
import { startReadModels } from './read-models.js';
import { describeRebuilds } from './rebuilds.contract.js';
import { describeRunningReadModels } from './running-read-models.contract.js';
import { SqlDatabase, type Database } from './sql/database.js';
import { recordHistory } from './testing/index.js';
import { documentsOf, textOf } from './testing/documents-of.js';

let directory = '';
let count = 0;

const newDatabase = (): Promise<Extract<Database, { kind: 'sqlite' }>> =>
  Promise.resolve({ kind: 'sqlite', file: join(directory, `${(count += 1)}/models.sqlite`) });

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shiplog-models-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describeReadModels('SQLite', async ({ log, feed }) => {
  const database = await newDatabase();
  const running = await startReadModels({ database, log, feed, logger: silent });
  return { models: running.queries, close: () => running.stop() };
});
describeRunningReadModels('SQLite', newDatabase);
describeParking('SQLite', newDatabase);
describeRebuilds('SQLite', newDatabase);

/** Changes what lies in the file, as an older release of the code would have left it. */
const alter = async (file: string, sql: string): Promise<void> => {
  const driver: unknown = createRequire(import.meta.url)('libsql');
  const source = new DataSource({ type: 'better-sqlite3', driver, database: file });
  await source.initialize();
  await source.query(sql);
  await source.destroy();
};

describe('read models in a SQLite file', () => {
  const messages: string[] = [];
  const say = (_fields: object, message: string): unknown => messages.push(message);
  const logger = { info: say, warn: say, error: say };

  it.each([
    ['of the release before runs', []],
    [
      'of the first release',
      [
        `ALTER TABLE shiplog_projection DROP COLUMN "build"`,
        `ALTER TABLE shiplog_projection DROP COLUMN "parked"`,
        `DELETE FROM shiplog_migrations WHERE name LIKE 'KeepRebuilds%'`,
      ],
    ],
  ])('%s are brought to what they are today', async (_name, more) => {
    const platform = await recordHistory({ apps: 2, turns: 5 });
    const database = await newDatabase();
    const options = { database, log: platform.log, feed: platform.feed, logger };
    const before = await startReadModels(options);
    const expected = await textOf(before.queries.dump());
    await before.stop();
    for (const sql of [
      'DROP TABLE shiplog_runs_a',
      'DROP TABLE shiplog_runs_b',
      `DELETE FROM shiplog_migrations WHERE name LIKE 'AddRuns%'`,
      `UPDATE shiplog_projection SET slots = json_remove(slots, '$.runs'),
        versions = json_remove(versions, '$.runs')`,
      ...more,
    ]) {
      await alter(database.file, sql);
    }
    const models = await startReadModels(options);
    expect(await textOf(models.queries.dump())).toBe(expected);
    await models.stop();
    // Once more: nothing is left to be done.
    const again = await startReadModels(options);
    expect(await textOf(again.queries.dump())).toBe(expected);
    await again.stop();
  });

  it('are made again before they are served when their shape changed', async () => {
    const platform = await recordHistory({ apps: 2, turns: 5 });
    const database = await newDatabase();
    const options = { database, log: platform.log, feed: platform.feed, logger };
    await (await startReadModels(options)).stop();
    await alter(database.file, `UPDATE shiplog_projection SET versions = '{"apps":0}'`);
    await alter(database.file, `UPDATE shiplog_apps_a SET document = '{"old":true}'`);
    const models = await startReadModels(options);
    expect(await textOf(models.queries.dump())).toBe(
      await textOf((await documentsOf(platform)).dump()),
    );
    await models.stop();
  });

  it('are made again beside the served ones when only their code changed', async () => {
    const platform = await recordHistory({ apps: 2, turns: 5 });
    const database = await newDatabase();
    const options = { database, log: platform.log, feed: platform.feed, logger };
    await (await startReadModels(options)).stop();
    await alter(database.file, `UPDATE shiplog_projection SET code_hash = 'older'`);
    await alter(database.file, `UPDATE shiplog_users_a SET document = '{"name":"wrong"}'`);
    messages.length = 0;
    const models = await startReadModels(options);
    expect(messages).toContain('read-models.rebuilding-with-new-code');
    // The same models: this joins the one of the start.
    const { differences } = await models.rebuild();
    expect(differences).toMatchObject([
      { model: 'users', changed: 2, keys: ['user-ann', 'user-bob'] },
    ]);
    expect(await textOf(models.queries.dump())).toBe(
      await textOf((await documentsOf(platform)).dump()),
    );
    await models.stop();
    messages.length = 0;
    await (await startReadModels(options)).stop();
    expect(messages).toEqual([]);
  });

  it('can be read by nobody but their owner', async () => {
    const { log, feed } = await recordHistory({ apps: 1, turns: 1 });
    const database = await newDatabase();
    const models = await startReadModels({ database, log, feed, logger });
    expect((await stat(database.file)).mode & 0o777).toBe(0o600);
    for (const name of await readdir(dirname(database.file))) {
      expect((await stat(join(dirname(database.file), name))).mode & 0o777).toBe(0o600);
    }
    await models.stop();
  });

  it('keep their locks while another thread opens them, too', async () => {
    const { log, feed } = await recordHistory({ apps: 1, turns: 1 });
    const database = await newDatabase();
    const models = await startReadModels({ database, log, feed, logger });
    const { ino } = await stat(database.file);
    const locks = async (): Promise<string[]> =>
      (await readFile('/proc/locks', 'utf8'))
        .split('\n')
        .filter((line) => line.includes(`:${ino} `));
    expect((await locks()).length).toBeGreaterThan(0);
    await (await SqlDatabase.attach(database)).close();
    await (await SqlDatabase.open(database, logger)).close();
    expect((await locks()).length).toBeGreaterThan(0);
    await models.stop();
  });

  it('start anew when the file is damaged, and set it aside', async () => {
    const { log, feed } = await recordHistory({ apps: 1, turns: 1 });
    const file = join(directory, 'damaged.sqlite');
    await writeFile(file, 'this is no database, whatever its name says'.repeat(100));
    const models = await startReadModels({ database: { kind: 'sqlite', file }, log, feed, logger });
    expect(await models.queries.apps()).toHaveLength(1);
    await models.stop();
    expect(await readdir(directory)).toContain('damaged.sqlite.damaged');
  });

  it('say which file could not be opened', async () => {
    const { log, feed } = await recordHistory({ apps: 1, turns: 1 });
    await writeFile(join(directory, 'no-folder'), '');
    const file = join(directory, 'no-folder', 'models.sqlite');
    const started = startReadModels({ database: { kind: 'sqlite', file }, log, feed, logger });
    await expect(started).rejects.toMatchObject({
      code: 'read-models-unavailable',
      message: `opening ${file}`,
    });
  });

  it('stop in the middle of a rebuild, and serve what they served', async () => {
    const platform = await recordHistory({ apps: 6, turns: 20 });
    const { log, feed } = platform;
    const database = await newDatabase();
    const models = await startReadModels({ database, log, feed, logger });
    const rebuilt = models.rebuild();
    const stopped = models.stop();
    await expect(rebuilt).rejects.toMatchObject({ code: 'read-models-unavailable' });
    await stopped;
    const again = await startReadModels({ database, log, feed, logger });
    expect(await textOf(again.queries.dump())).toBe(
      await textOf((await documentsOf(platform)).dump()),
    );
    await again.stop();
  });
});

describe('a SQLite file on a full disk', () => {
  let disk = '';
  const run = promisify(execFile);
  beforeAll(async () => {
    disk = await mkdtemp(join(tmpdir(), 'shiplog-disk-'));
    await run('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', disk]);
  });
  afterAll(async () => {
    await run('umount', ['--lazy', disk]);
    await rm(disk, { recursive: true });
  });

  it('refuses what does not fit, and what it takes when there is room is there', async () => {
    const file = join(disk, 'models.sqlite');
    const database = await SqlDatabase.open({ kind: 'sqlite', file }, silent);
    const insert = (value: string): Promise<unknown> =>
      database.write((manager) => manager.query('INSERT INTO letter VALUES (?)', [value]));
    await database.write((manager) => manager.query('CREATE TABLE letter (text)'));
    await insert('before');

    await expect(fillDisk(join(disk, 'filler'))).rejects.toThrow('ENOSPC');
    for (let i = 0; i < 3; i += 1) await expect(insert('x'.repeat(20_000))).rejects.toThrow('full');
    await rm(join(disk, 'filler'));

    await insert('after');
    const rows: { text: string }[] = await database.queries.query('SELECT text FROM letter');
    expect(rows.map(({ text }) => text)).toEqual(['before', 'after']);
    await database.close();
  });
});

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

const fillDisk = async (path: string): Promise<never> => {
  for (;;) await appendFile(path, Buffer.alloc(4096));
};
