import { beforeAll, describe, expect, it } from 'vitest';
import type { EventLog } from '@shiplog/events/log';
import type { ModelName } from './documents.js';
import { releaseKey } from './projections/release.projection.js';
import { startReadModels } from './read-models.js';
import type { RunningReadModels } from './read-models.port.js';
import { SqlDatabase, type Database } from './sql/database.js';
import { otherSlot, tableName } from './sql/entities.js';
import { requireState } from './sql/projection-state.js';
import { documentsOf, textOf } from './testing/documents-of.js';
import { recordHistory, type RecordedPlatform } from './testing/index.js';

const logger = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** A log that stops answering at a commit until it is let go: a rebuild stands there. */
const heldAt = (log: EventLog) => {
  let release = (): void => undefined;
  let arrive = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  const arrived = new Promise<void>((resolve) => (arrive = resolve));
  let holdFrom = Infinity;
  const reads: number[] = [];
  const held = Object.create(log, {
    readAfter: {
      value: async (after: string, limit: number) => {
        reads.push(Number(after));
        if (Number(after) >= holdFrom) {
          arrive();
          await released;
        }
        return log.readAfter(after, limit);
      },
    },
  }) as EventLog;
  return {
    log: held,
    reads,
    arrived,
    release,
    hold: (from: number) => {
      reads.length = 0;
      holdFrom = from;
    },
  };
};

const BYTES = 100;
/** As if a position counted bytes. */
const inBytes = (log: EventLog): EventLog => {
  const commitsBetween = (after: string, until: string): number =>
    (Number(until) - Number(after)) / BYTES;
  return Object.create(log, {
    commitsBetween: { value: commitsBetween },
  }) as EventLog;
};

/** What a rebuild is for the people who wait for it. `newDatabase` gives an empty one at each call. */
export const describeRebuilds = (name: string, newDatabase: () => Promise<Database>): void => {
  describe(`a rebuild in ${name}`, () => {
    let platform: RecordedPlatform;
    let whole = '';
    let head = 0;

    beforeAll(async () => {
      platform = await recordHistory({ apps: 6, turns: 25 });
      whole = await textOf((await documentsOf(platform)).dump());
      head = Number(await platform.log.head());
    });

    const start = (database: Database, log = platform.log): Promise<RunningReadModels> =>
      startReadModels({ database, log, feed: platform.feed, logger });

    /** Rows of the tables of a model that are not served. */
    const unservedRows = async (database: Database, model: ModelName): Promise<number> => {
      const own = await SqlDatabase.open(database, logger);
      const { slots } = await requireState(own.queries);
      const table = tableName(model, otherSlot(slots[model]));
      const [row] = await own.queries.query<{ n: number | string }[]>(
        `SELECT count(*) AS n FROM "${table}"`,
      );
      await own.close();
      return Number(row?.n);
    };
    const alter = async (database: Database, sql: (table: string) => string): Promise<void> => {
      const own = await SqlDatabase.open(database, logger);
      const { slots } = await requireState(own.queries);
      await own.write((manager) => manager.query(sql(tableName('releases', slots.releases))));
      await own.close();
    };

    it('tells how far it is, is joined by the same one, and refuses another one beside it', async () => {
      const held = heldAt(platform.log);
      const models = await start(await newDatabase(), held.log);
      expect(await models.rebuildStatus()).toMatchObject({ state: 'none', models: [] });
      held.hold(800);
      await models.startRebuild();
      await held.arrived;
      const status = await models.rebuildStatus();
      expect(status).toMatchObject({ state: 'running', total: head, finishedAt: null });
      expect(status.done).toBeGreaterThan(0);
      expect(status.done).toBeLessThan(head);
      expect(status.events).toBeGreaterThanOrEqual(status.done);
      expect(await models.startRebuild()).toMatchObject({ startedAt: status.startedAt });
      await expect(models.startRebuild('apps')).rejects.toMatchObject({ code: 'rebuild-running' });
      const joined = models.rebuild();
      held.release();
      expect(await joined).toMatchObject({ differences: [], parked: [] });
      expect(await models.rebuildStatus()).toMatchObject({ state: 'done', done: head });
      await models.stop();
    });

    it('tells how far it is in commits, also where positions count something else', async () => {
      const held = heldAt(inBytes(platform.log));
      const models = await start(await newDatabase(), held.log);
      held.hold(800);
      await models.startRebuild();
      await held.arrived;
      const { done, total } = await models.rebuildStatus();
      expect(total).toBe(head / BYTES);
      expect(done).toBeLessThan(total);
      held.release();
      await models.rebuild();
      expect(await models.rebuildStatus()).toMatchObject({ state: 'done', done: head / BYTES });
      await models.stop();
    });

    it('switches when few commits are left, also where positions count something else', async () => {
      const live = await recordHistory({ apps: 6, turns: 25 });
      const before = Number(await live.log.head());
      const atEnd = heldAt(inBytes(live.log));
      const held = heldAt(atEnd.log);
      const { log } = held;
      const database = await newDatabase();
      const models = await startReadModels({ database, log, feed: live.feed, logger });
      held.hold(800);
      const rebuilt = models.rebuild();
      await held.arrived;
      // By positions more than are left to the switch, by commits fewer.
      const app = { appId: 'app-live', name: 'live', teamId: 'team-1' };
      await live.do('app', app.appId, { type: 'CreateApp', ...app });
      for (let n = 0; n < 500; n += 1) {
        await live.do('app', app.appId, { type: n % 2 === 0 ? 'StopApp' : 'StartApp' });
      }
      await models.reach(await live.log.head(), 10_000);
      atEnd.hold(before);
      held.release();
      await atEnd.arrived;
      expect(await models.rebuildStatus()).toMatchObject({ state: 'comparing' });
      atEnd.release();
      expect(await rebuilt).toMatchObject({ differences: [], position: await live.log.head() });
      await models.stop();
      await live.stop();
    });

    it('is cancelled: what is served stays, and its tables are empty', async () => {
      const database = await newDatabase();
      const held = heldAt(platform.log);
      const models = await start(database, held.log);
      await expect(models.cancelRebuild()).rejects.toMatchObject({ code: 'no-rebuild' });
      held.hold(800);
      const rebuilt = models.rebuild();
      rebuilt.catch(() => undefined);
      await held.arrived;
      expect(await unservedRows(database, 'releases')).toBeGreaterThan(0);
      const cancelled = models.cancelRebuild();
      held.release();
      expect(await cancelled).toMatchObject({ state: 'cancelled' });
      await expect(rebuilt).rejects.toMatchObject({ code: 'rebuild-cancelled' });
      expect(await unservedRows(database, 'releases')).toBe(0);
      expect(await textOf(models.queries.dump())).toBe(whole);
      await models.rebuild();
      expect(await textOf(models.queries.dump())).toBe(whole);
      await models.stop();
    });

    it('goes on after a restart where it was', async () => {
      const database = await newDatabase();
      const held = heldAt(platform.log);
      const models = await start(database, held.log);
      held.hold(1_200);
      models.rebuild().catch(() => undefined);
      await held.arrived;
      const { done, startedAt } = await models.rebuildStatus();
      expect(done).toBeGreaterThanOrEqual(800);
      const stopped = models.stop();
      held.release();
      await stopped;

      const watched = heldAt(platform.log);
      const again = await start(database, watched.log);
      await again.startRebuild();
      expect(await again.rebuildStatus()).toMatchObject({ resumed: true, startedAt });
      const result = await again.rebuild().catch((error: unknown) => error);
      expect(result).toMatchObject({ differences: [] });
      const early = watched.reads.filter((after) => after < done && after !== head - 1);
      expect(early).toEqual([]);
      expect(await textOf(again.queries.dump())).toBe(whole);
      await again.stop();
    });

    it('is not served when the same code made something else, unless that is asked for', async () => {
      const database = await newDatabase();
      const models = await start(database);
      const [one] = await models.queries.releases({ appId: 'app0x0', limit: 1 });
      const key = releaseKey('app0x0', one?.version ?? 0);
      await alter(
        database,
        (table) => `UPDATE "${table}" SET document = '{"appId":"wrong"}' WHERE "key" = '${key}'`,
      );
      const wrong = await textOf(models.queries.dump());
      expect(wrong).not.toBe(whole);

      await expect(models.rebuild()).rejects.toMatchObject({ code: 'rebuild-differs' });
      expect(await models.rebuildStatus()).toMatchObject({
        state: 'refused',
        differences: [{ model: 'releases', changed: 1, added: 0, missing: 0, keys: [key] }],
      });
      expect(await textOf(models.queries.dump())).toBe(wrong);
      expect(await unservedRows(database, 'releases')).toBe(0);

      const forced = await models.rebuild(undefined, { force: true });
      expect(forced.differences).toMatchObject([{ model: 'releases', changed: 1 }]);
      expect(await textOf(models.queries.dump())).toBe(whole);
      await models.stop();
    });

    it('finds rows that are served and not made, and the other way round', async () => {
      const database = await newDatabase();
      const models = await start(database);
      await alter(database, (table) => `DELETE FROM "${table}" WHERE "app_id" = 'app1x0'`);
      await alter(
        database,
        (table) => `INSERT INTO "${table}" ("key", "document") VALUES ('zz', '{}')`,
      );
      await expect(models.rebuild('releases')).rejects.toMatchObject({
        differences: [{ model: 'releases', missing: 1, changed: 0 }],
      });
      const { differences } = await models.rebuildStatus();
      expect(differences[0]?.added).toBeGreaterThan(0);
      await models.stop();
    });
  });
};
