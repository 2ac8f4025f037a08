import { beforeAll, describe, expect, it, vi } from 'vitest';
import { START, toPosition } from '@shiplog/events';
import { InMemoryEventLog, type LogFeed } from '@shiplog/events/log';
import { ProjectionFencedError } from './errors.js';
import { fillFast, type Fill } from './fill.js';
import { catchUpReadModels, startReadModels } from './read-models.js';
import { SqlDatabase, type Database } from './sql/database.js';
import { recordHistory, RecordedPlatform } from './testing/index.js';
import { documentsOf, textOf } from './testing/documents-of.js';

const logger = { info: () => undefined, warn: () => undefined, error: () => undefined };

const createApp = (platform: RecordedPlatform, appId: string): Promise<void> =>
  platform.do('app', appId, { type: 'CreateApp', appId, name: appId, teamId: 't1' });

/** What projecting into any database must do. `newDatabase` gives an empty one at each call. */
export const describeRunningReadModels = (
  name: string,
  newDatabase: () => Promise<Database>,
): void => {
  const start = async (platform: RecordedPlatform, database?: Database) => {
    const { log, feed } = platform;
    return startReadModels({ database: database ?? (await newDatabase()), log, feed, logger });
  };

  describe(`running read models in ${name}`, () => {
    let history: RecordedPlatform;
    let whole = '';

    beforeAll(async () => {
      history = await recordHistory({ apps: 8, turns: 25 });
      whole = await textOf((await documentsOf(history)).dump());
    });

    it('hold what a fold in memory gives, byte for byte, and again after a rebuild', async () => {
      const models = await start(history);
      expect(models.checkpoint().position).toBe(await history.log.head());
      expect(await textOf(models.queries.dump())).toBe(whole);
      const result = await models.rebuild();
      expect(result.position).toBe(await history.log.head());
      expect(result).toMatchObject({ differences: [], parked: [] });
      const status = await models.rebuildStatus();
      expect(status).toMatchObject({
        state: 'done',
        done: Number(result.position),
        resumed: false,
      });
      expect(status.events).toBe(result.events);
      expect(await textOf(models.queries.dump())).toBe(whole);
      await models.rebuild('releases');
      expect(await textOf(models.queries.dump())).toBe(whole);
      await models.stop();
    });

    it('go on at their checkpoint, without reading what lies before', async () => {
      const database = await newDatabase();
      const platform = await recordHistory({ apps: 2, turns: 5 });
      await (await start(platform, database)).stop();
      await createApp(platform, 'late');
      const read: string[] = [];
      const log = Object.create(platform.log, {
        readAfter: {
          value: (after: string, limit: number) => {
            read.push(after);
            return platform.log.readAfter(after, limit);
          },
        },
      }) as InMemoryEventLog;
      const { feed } = platform;
      const models = await startReadModels({ database, log, feed, logger });
      expect(await models.queries.app('late')).toBeDefined();
      const head = await platform.log.head();
      expect(read.every((after) => Number(after) >= Number(head) - 2)).toBe(true);
      await models.stop();
    });

    it('are brought near the end of a long log before they start, and are the same', async () => {
      const database = await newDatabase();
      const platform = await recordHistory({ apps: 10, turns: 60 });
      const { log, feed } = platform;
      const end = await log.head();
      expect(Number(end)).toBeGreaterThan(5_000);
      const stretches: string[] = [];
      const fill: Fill = async (job, options) => {
        stretches.push(`${job.owner.kind} ${Number(job.after)}-${Number(job.until)}`);
        const own = await SqlDatabase.open(database, logger);
        const filled = await fillFast(own, log)(job, options);
        await own.close();
        return filled;
      };
      await catchUpReadModels({ database, log, logger, fill });
      await catchUpReadModels({ database, log, logger, fill });
      expect(stretches).toEqual([`checkpoint 0-${Number(end)}`]);

      await createApp(platform, 'late');
      const models = await startReadModels({ database, log, feed, logger, fill });
      const expected = await textOf((await documentsOf(platform)).dump());
      expect(await textOf(models.queries.dump())).toBe(expected);
      await models.rebuild();
      expect(stretches.slice(1)).toEqual([`build 0-${Number(end) + 1}`]);
      expect(await textOf(models.queries.dump())).toBe(expected);
      await models.stop();
    });

    it('are filled on where another api filled them meanwhile', async () => {
      const database = await newDatabase();
      const platform = await recordHistory({ apps: 14, turns: 60 });
      const { log, feed } = platform;
      const half = toPosition(BigInt(await log.head()) / 4n);
      const own = await SqlDatabase.open(database, logger);
      const begun: number[] = [];
      const fill: Fill = async (job) => {
        begun.push(Number(job.after));
        if (begun.length > 1) return fillFast(own, log)(job);
        await fillFast(own, log)({ ...job, until: half });
        throw new ProjectionFencedError(job.after);
      };
      await catchUpReadModels({ database, log, logger, fill });
      expect(begun).toEqual([0, Number(half)]);
      await own.close();
      const models = await startReadModels({ database, log, feed, logger });
      expect(await textOf(models.queries.dump())).toBe(
        await textOf((await documentsOf(platform)).dump()),
      );
      await models.stop();
    });

    it('show a commit to whoever waits for its position', async () => {
      const platform = await recordHistory({ apps: 1, turns: 1 });
      const models = await start(platform);
      for (let n = 0; n < 20; n += 1) {
        await createApp(platform, `n${n}`);
        await models.reach(await platform.log.head());
        expect(await models.queries.app(`n${n}`)).toBeDefined();
      }
      const beyond = toPosition(BigInt(await platform.log.head()) + 1n);
      await expect(models.reach(beyond, 50)).rejects.toMatchObject({ code: 'read-models-behind' });
      await models.stop();
    });

    it('fence one of two projectors that share them, and lose and repeat nothing', async () => {
      const database = await newDatabase();
      const platform = await recordHistory({ apps: 2, turns: 5 });
      const [one, two] = [await start(platform, database), await start(platform, database)];
      for (let n = 0; n < 60; n += 1) {
        await createApp(platform, `n${n}`);
        if (n % 20 === 0) await one.rebuild();
      }
      const head = await platform.log.head();
      await Promise.all([one.reach(head), two.reach(head)]);
      const expected = await textOf((await documentsOf(platform)).dump());
      expect(await textOf(one.queries.dump())).toBe(expected);
      expect(await textOf(two.queries.dump())).toBe(expected);
      await one.stop();
      await two.stop();
    });

    it('fence a projector that was held up: it writes nothing that is older than what is there', async () => {
      const database = await newDatabase();
      const platform = await recordHistory({ apps: 2, turns: 5 });
      const { log } = platform;
      const before = await log.head();
      const one = await start(platform, database);
      let handOver: Parameters<LogFeed['onBatch']>[0] = () => undefined;
      const heldUp = {
        position: before,
        catchUp: () => Promise.resolve(before),
        onBatch: (handler: typeof handOver) => {
          handOver = handler;
          return () => undefined;
        },
      };
      const two = await startReadModels({ database, log, feed: heldUp, logger });
      for (let n = 0; n < 5; n += 1) await createApp(platform, `n${n}`);
      const head = await log.head();
      await one.reach(head);

      handOver(await log.readAfter(before, 2));
      await vi.waitUntil(() => two.checkpoint().position !== before);
      expect(two.checkpoint().position).toBe(head);
      await createApp(platform, 'after');
      await one.reach(await log.head());
      expect(await textOf(two.queries.dump())).toBe(
        await textOf((await documentsOf(platform)).dump()),
      );
      await one.stop();
      await two.stop();
    });

    it('answer all the time while they are rebuilt under writes, and lose none of these', async () => {
      const platform = await recordHistory({ apps: 6, turns: 20 });
      const models = await start(platform);
      let isRebuilding = true;
      const write = async (): Promise<number> => {
        let count = 0;
        for (; isRebuilding || count < 10; count += 1) {
          await createApp(platform, `w${count}`);
          await models.reach(await platform.log.head());
          expect(await models.queries.app(`w${count}`)).toBeDefined();
          expect((await models.queries.releases({ appId: 'app0x0' })).length).toBeGreaterThan(0);
        }
        return count;
      };
      const rebuild = async (): Promise<void> => {
        await models.rebuild();
        await models.rebuild('instances');
        isRebuilding = false;
      };
      await Promise.all([write(), rebuild()]);
      await models.reach(await platform.log.head());
      expect(await textOf(models.queries.dump())).toBe(
        await textOf((await documentsOf(platform)).dump()),
      );
      await models.stop();
    });

    it('refuse a log that went back in time, and one that has other commits', async () => {
      const database = await newDatabase();
      const platform = await recordHistory({ apps: 2, turns: 5 });
      await (await start(platform, database)).stop();

      const shorter = await recordHistory({ apps: 1, turns: 1 });
      await expect(start(shorter, database)).rejects.toMatchObject({ code: 'log-went-back' });

      const other = await recordHistory({ apps: 3, turns: 30, seed: 7 });
      expect(Number(await other.log.head())).toBeGreaterThan(Number(await platform.log.head()));
      await expect(start(other, database)).rejects.toThrow('has another commit at that place');

      await expect((await start(platform, database)).stop()).resolves.toBeUndefined();
    });

    it('start with an empty log', async () => {
      const platform = await RecordedPlatform.start();
      const models = await start(platform);
      expect(models.checkpoint().position).toBe(START);
      expect(await textOf(models.queries.dump())).toBe('');
      await models.rebuild();
      await createApp(platform, 'a1');
      await models.reach(await platform.log.head());
      expect(await models.queries.apps()).toHaveLength(1);
      await models.stop();
    });
  });
};
