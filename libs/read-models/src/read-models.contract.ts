import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ReadModels } from './read-models.port.js';
import { recordHistory, type RecordedPlatform } from './testing/index.js';
import { documentsOf, textOf } from './testing/documents-of.js';

interface OpenReadModels {
  readonly models: ReadModels;
  close(): Promise<void>;
}

/** What queries must answer, wherever the documents lie. `open` projects the whole log of a platform. */
export const describeReadModels = (
  name: string,
  open: (platform: RecordedPlatform) => Promise<OpenReadModels>,
): void => {
  describe(`${name} as ReadModels`, () => {
    let platform: RecordedPlatform;
    let opened: OpenReadModels;
    let models: ReadModels;

    beforeAll(async () => {
      platform = await recordHistory({ apps: 8, turns: 25 });
      opened = await open(platform);
      models = opened.models;
    });
    afterAll(() => opened.close());

    it('say which commits they hold', async () => {
      expect(await models.position()).toBe(await platform.log.head());
    });

    it.each(Object.entries(QUESTIONS))('answer %s as a fold in memory does', async (_, ask) => {
      const answer = await ask(models);
      expect(answer).toEqual(await ask(await documentsOf(platform)));
      expect(Array.isArray(answer) ? answer.length > 0 : answer !== undefined).toBe(true);
    });

    it('know nothing of what is not there', async () => {
      expect(await models.app('nobody')).toBeUndefined();
      expect(await models.appByName('nobody')).toBeUndefined();
      expect(await models.release('app0x0', 999)).toBeUndefined();
      expect(await models.apps({ teamId: 'nobody' })).toEqual([]);
      expect(await models.app('app0x0\u0000')).toBeUndefined();
      expect(await models.appByName("\u0000' OR 1=1 --")).toBeUndefined();
      expect(await models.garbagePolicy('node-1')).toBeUndefined();
    });

    it('never show what projections remember for themselves', async () => {
      expect(await models.build('~app0x0')).toBeUndefined();
      expect(await models.deploy('~app0x0')).toBeUndefined();
      expect(await textOf(models.dump())).not.toContain('"key":"~');
    });

    it('list the newest first, and no more than asked for', async () => {
      const releases = await models.releases({ appId: 'app1x0', limit: 1_000 });
      const versions = releases.map(({ version }) => version);
      expect(versions).toEqual(versions.toSorted((a, b) => b - a));
      expect(await models.releases({ appId: 'app1x0', limit: 2 })).toEqual(releases.slice(0, 2));
      expect(await models.builds({ limit: 0 })).toEqual([]);
    });

    it('list a hundred unless asked for more, and never above a thousand', async () => {
      expect(await models.instances({ ended: true })).toHaveLength(100);
      const all = await models.instances({ ended: true, limit: 1_000_000 });
      expect(all.length).toBeGreaterThan(100);
      expect(all.length).toBeLessThanOrEqual(1_000);
    });

    it('dump one canonical line per document, by model and key', async () => {
      const lines = (await textOf(models.dump())).trimEnd().split('\n');
      const keys = lines.map((line) => {
        const { model, key } = JSON.parse(line) as { model: string; key: string };
        expect(line.startsWith('{"document":{')).toBe(true);
        return `${model} ${key}`;
      });
      expect(keys).toEqual(keys.toSorted((a, b) => (a < b ? -1 : 1)));
      expect(new Set(keys).size).toBe(keys.length);
    });
  });
};

/** Each has an answer in the recorded history. */
const QUESTIONS: Readonly<Record<string, (models: ReadModels) => Promise<unknown>>> = {
  position: (models) => models.position(),
  app: (models) => models.app('app0x0'),
  appByName: (models) => models.appByName('app-3'),
  apps: (models) => models.apps(),
  'apps of a team': (models) => models.apps({ teamId: 'team-1', limit: 2 }),
  'destroyed apps': (models) => models.apps({ status: 'destroyed' }),
  'all apps': (models) => models.apps({ status: 'any' }),
  release: (models) => models.release('app1x0', 1),
  releases: (models) => models.releases({ appId: 'app1x0', limit: 5 }),
  build: async (models) => models.build((await models.builds())[0]?.buildId ?? ''),
  builds: (models) => models.builds({ limit: 1_000 }),
  'builds of an app': (models) => models.builds({ appId: 'app0x0' }),
  'failed builds': (models) => models.builds({ status: 'failed' }),
  deploy: (models) => models.deploy('app0x0-g1'),
  deploys: (models) => models.deploys({ appId: 'app0x0', limit: 3 }),
  'completed deploys': (models) => models.deploys({ status: 'completed' }),
  instance: async (models) => models.instance((await models.instances())[0]?.id ?? ''),
  instances: (models) => models.instances({ limit: 1_000 }),
  'ended instances': (models) => models.instances({ appId: 'app1x0', ended: true }),
  domain: (models) => models.domain('www.app-1.example.com'),
  domains: (models) => models.domains({ teamId: 'team-2' }),
  token: (models) => models.token('token-1'),
  tokens: (models) => models.tokens({ userId: 'user-ann', status: 'revoked' }),
  user: (models) => models.user('user-ann'),
  users: (models) => models.users(),
  team: (models) => models.team('team-1'),
  teams: (models) => models.teams(),
  node: (models) => models.node('node-1'),
  nodes: (models) => models.nodes(),
  router: (models) => models.router('router-1'),
  routers: (models) => models.routers(),
  garbage: (models) => models.garbage({ limit: 50 }),
};
