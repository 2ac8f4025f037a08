import type { DocumentByModel, ModelName } from '../documents.js';
import type { FilterColumn } from '../projection.js';
import { PROJECTIONS } from '../projections/index.js';
import { releaseKey } from '../projections/release.projection.js';
import type { Page, ReadModels } from '../read-models.port.js';
import { dumpLine } from './canonical-dump.js';
import type { RowStore } from './row-store.js';

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1_000;

type Filter = Page & { readonly [C in FilterColumn]?: string | undefined };

/** The query port over any store: the one place that knows how a question becomes a filter. */
export const readModelsOver = (store: RowStore): ReadModels => {
  const get = async <M extends ModelName>(
    model: M,
    key: string,
  ): Promise<DocumentByModel[M] | undefined> =>
    canBeStored(key) ? store.get(model, key) : undefined;
  const list = async <M extends ModelName>(
    model: M,
    { limit, ...columns }: Filter = {},
    notStatus?: string,
  ): Promise<readonly DocumentByModel[M][]> =>
    Object.values(columns).every(canBeStored)
      ? store.list(model, {
          equal: definedOf(columns),
          ...(notStatus === undefined ? {} : { notStatus }),
          limit: Math.max(0, Math.min(limit ?? LIMIT_DEFAULT, LIMIT_MAX)),
        })
      : [];

  return {
    position: () => store.position(),

    app: (appId) => get('apps', appId),
    appByName: async (name) => (await list('apps', { name, status: 'active', limit: 1 }))[0],
    apps: ({ status = 'active', ...filter } = {}) =>
      list('apps', status === 'any' ? filter : { ...filter, status }),

    release: (appId, version) => get('releases', releaseKey(appId, version)),
    releases: (filter) => list('releases', filter),

    build: (buildId) => get('builds', buildId),
    builds: (filter) => list('builds', filter),

    deploy: (deployId) => get('deploys', deployId),
    deploys: (filter) => list('deploys', filter),

    instance: (instanceId) => get('instances', instanceId),
    instances: ({ ended = false, ...filter } = {}) =>
      ended
        ? list('instances', { ...filter, status: 'stopped' })
        : list('instances', filter, 'stopped'),

    domain: (host) => get('domains', host),
    domains: (filter) => list('domains', filter),

    token: (tokenId) => get('tokens', tokenId),
    tokens: (filter) => list('tokens', filter),

    user: (userId) => get('users', userId),
    users: (filter) => list('users', filter),

    team: (teamId) => get('teams', teamId),
    teams: (filter) => list('teams', filter),

    node: (nodeId) => get('nodes', nodeId),
    nodes: (filter) => list('nodes', filter),

    router: (routerId) => get('routers', routerId),
    routers: (filter) => list('routers', filter),

    run: (runId) => get('runs', runId),
    runs: ({ job, ...filter }) =>
      list('runs', job === undefined ? filter : { ...filter, name: job }),

    garbage: (filter) => list('garbage', filter),
    garbagePolicy: (nodeId) => get('garbage-policies', nodeId),

    dump: () => dumpOf(store),
    scan: (models) => store.scan(models),
  };
};

async function* dumpOf(store: RowStore): AsyncIterable<string> {
  const models = PROJECTIONS.map(({ model }) => model);
  for await (const { rows } of store.scan(models)) {
    for (const row of rows) yield dumpLine(row);
  }
}

/** PostgreSQL refuses to look for text with a zero character; nothing has such an id or name. */
const canBeStored = (text: string | undefined): boolean => text?.includes('\u0000') !== true;

const definedOf = (columns: Filter): Partial<Record<FilterColumn, string>> =>
  Object.fromEntries(Object.entries(columns).filter(([, value]) => value !== undefined));
