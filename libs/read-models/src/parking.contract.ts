import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { positionBefore, START, type Position, type RecordedCommit } from '@shiplog/events';
import type { ModelName } from './documents.js';
import { fillHere, type Fill } from './fill.js';
import { catchUpReadModels, startReadModels } from './read-models.js';
import type { RunningReadModels } from './read-models.port.js';
import { SqlDatabase, type Database } from './sql/database.js';
import { documentsOf, textOf } from './testing/documents-of.js';
import { breakProjection, projectionOf } from './testing/failing-projection.js';
import { recordHistory, type RecordedPlatform } from './testing/index.js';

const BROKEN: ModelName = 'instances';

/** What a commit does that one projection cannot apply. `newDatabase` gives an empty one at each call. */
export const describeParking = (name: string, newDatabase: () => Promise<Database>): void => {
  describe(`a model in ${name} that cannot be made from a commit`, () => {
    let platform: RecordedPlatform;
    let commits: readonly RecordedCommit[];
    let database: Database;
    let errors: { readonly fields: object; readonly message: string }[];

    beforeAll(async () => {
      platform = await recordHistory({ apps: 4, turns: 12 });
      commits = await platform.log.readAfter(START, 100_000);
    });
    beforeEach(async () => {
      database = await newDatabase();
      errors = [];
    });
    afterEach(() => void vi.restoreAllMocks());

    const logger = {
      info: () => undefined,
      warn: () => undefined,
      error: (fields: object, message: string) => void errors.push({ fields, message }),
    };
    const start = (): Promise<RunningReadModels> => {
      const { log, feed } = platform;
      return startReadModels({ database, log, feed, logger });
    };

    /** Where the projection has its trouble: in the middle of a batch, and of the log. */
    const badPosition = (): Position => {
      const starts = commits.filter(({ commit }) => commit.events[0]?.type === 'InstanceStarted');
      return starts[Math.floor(starts.length / 2)]?.position ?? '';
    };
    const breakAt = (position: Position) =>
      breakProjection(BROKEN, (at) => at.position === position);

    /** The rows as they are served: `dump` refuses while a model stands still. */
    const served = async (models: RunningReadModels, appId: string) => ({
      app: await models.queries.app(appId),
      releases: await models.queries.releases({ appId, limit: 1_000 }),
    });
    const appIds = async (): Promise<readonly string[]> =>
      (await (await documentsOf(platform)).apps({ status: 'any' })).map(({ appId }) => appId);

    it('stands still alone, as of the commit before, and says why', async () => {
      const bad = badPosition();
      breakAt(bad);
      const models = await start();
      expect(models.checkpoint().position).toBe(await platform.log.head());
      expect(models.parked()).toEqual([
        {
          model: BROKEN,
          position: positionBefore(bad),
          sequence: `${bad}-0000`,
          problem: 'the bug of a test',
          since: expect.any(String) as unknown,
        },
      ]);
      const now = await documentsOf(platform);
      for (const appId of await appIds()) {
        expect(await served(models, appId)).toEqual({
          app: await now.app(appId),
          releases: await now.releases({ appId, limit: 1_000 }),
        });
      }
      const then = await documentsOf(platform, positionBefore(bad));
      const all = { limit: 1_000 };
      expect(await models.queries.instances(all)).toEqual(await then.instances(all));
      const ended = { ...all, ended: true };
      expect(await models.queries.instances(ended)).toEqual(await then.instances(ended));
      await models.stop();
    });

    it('is logged once, holds nobody up, and is refused to whoever needs what is newer', async () => {
      const bad = badPosition();
      breakAt(bad);
      const models = await start();
      await platform.do('name', 'later', {
        type: 'ReserveName',
        name: 'later',
        appId: 'later',
        teamId: 't1',
      });
      const create = { type: 'CreateApp', appId: 'later', name: 'later', teamId: 't1' } as const;
      await platform.do('app', 'later', create);
      const head = await platform.log.head();
      await models.reach(head);
      const fresh = models.queriesAtLeast(head);
      expect(await fresh.app('later')).toBeDefined();
      await expect(fresh.instances()).rejects.toMatchObject({ code: 'read-model-parked' });
      await expect(models.queriesAtLeast(positionBefore(bad)).instances()).resolves.toBeInstanceOf(
        Array,
      );
      await expect(textOf(models.queries.dump())).rejects.toMatchObject({
        code: 'read-model-parked',
        sequence: `${bad}-0000`,
      });
      expect(errors.map(({ message }) => message)).toEqual(['read-models.parked']);
      await platform.do('app', 'later', { type: 'DestroyApp', confirm: 'later' });
      await models.stop();
    });

    it('is followed again by the start after its code was mended', async () => {
      const fault = breakAt(badPosition());
      await (await start()).stop();
      fault.mend();
      const models = await start();
      await vi.waitFor(() => expect(models.parked()).toEqual([]), { timeout: 10_000, interval: 5 });
      expect(await textOf(models.queries.dump())).toBe(
        await textOf((await documentsOf(platform)).dump()),
      );
      await models.stop();
    });

    it('stays parked where it is, or at the next trouble, while it is not mended', async () => {
      const bad = badPosition();
      const fault = breakAt(bad);
      await (await start()).stop();
      const again = await start();
      await again.stop();
      expect(again.parked()).toMatchObject([{ position: positionBefore(bad) }]);
      fault.mend();
      const [, later] = commits.filter(
        ({ position, commit }) => position > bad && commit.events[0]?.type === 'InstanceReady',
      );
      breakAt(later?.position ?? '');
      const further = await start();
      await vi.waitFor(
        () =>
          expect(further.parked()).toMatchObject([{ sequence: `${later?.position ?? ''}-0000` }]),
        { timeout: 10_000, interval: 5 },
      );
      expect(further.parked()[0]?.position).toBe(positionBefore(later?.position ?? ''));
      await further.stop();
    });

    it('is found also where only the row cannot be made, each commit alone', async () => {
      const projection = projectionOf('apps');
      const columns = projection.columns.bind(projection);
      const changed = commits.findLast(({ commit }) => commit.stream.startsWith('app.'));
      const bad = changed?.position ?? '';
      const appId = changed?.commit.stream.slice('app.'.length);
      vi.spyOn(projection, 'columns').mockImplementation((document) => {
        const isHit = 'revision' in document && document.appId === appId;
        if (isHit && document.revision >= bad) throw new Error('no columns');
        return columns(document);
      });
      const models = await start();
      expect(models.parked()).toMatchObject([
        { model: 'apps', position: positionBefore(bad), problem: 'no columns' },
      ]);
      const then = await documentsOf(platform, positionBefore(bad));
      expect(await models.queries.apps({ status: 'any' })).toEqual(
        await then.apps({ status: 'any' }),
      );
      await models.stop();
    });

    it('does not keep a rebuild from making the others, and is made by the one after the mending', async () => {
      const bad = badPosition();
      const fault = breakAt(bad);
      const models = await start();
      await expect(models.rebuild(BROKEN)).rejects.toMatchObject({ code: 'projection-failed' });
      expect(await models.rebuildStatus()).toMatchObject({ state: 'failed', models: [BROKEN] });
      const others = await models.rebuild();
      expect(others.parked).toMatchObject([{ model: BROKEN, sequence: `${bad}-0000` }]);
      expect(others.models).not.toContain(BROKEN);
      expect(models.parked()).toMatchObject([{ position: positionBefore(bad) }]);
      fault.mend();
      await models.rebuild(BROKEN);
      expect(models.parked()).toEqual([]);
      expect(await textOf(models.queries.dump())).toBe(
        await textOf((await documentsOf(platform)).dump()),
      );
      await models.stop();
    });

    it('is left behind when a long log is read before the start', async () => {
      const long = await recordHistory({ apps: 10, turns: 60 });
      const { log, feed } = long;
      const all = await log.readAfter(START, 100_000);
      const bad = all.findLast(({ commit }) => commit.events[0]?.type === 'InstanceStarted');
      breakAt(bad?.position ?? '');
      const own = await SqlDatabase.open(database, logger);
      const fill: Fill = (job, options) => fillHere(own, log)(job, options);
      await catchUpReadModels({ database, log, logger, fill });
      await own.close();
      const models = await startReadModels({ database, log, feed, logger });
      expect(models.parked()).toMatchObject([{ position: positionBefore(bad?.position ?? '') }]);
      expect(await models.queries.apps()).toHaveLength(10);
      await models.stop();
    });

    it('is refused by a look into the past that needs it, and by no other', async () => {
      const bad = badPosition();
      const models = await start();
      breakAt(bad);
      const past = await models.at(bad);
      expect(await past.apps()).not.toEqual([]);
      await expect(past.instances()).rejects.toMatchObject({ code: 'read-model-parked' });
      const before = await models.at(positionBefore(bad));
      expect(await before.instances()).not.toEqual([]);
      await models.stop();
    });
  });
};
