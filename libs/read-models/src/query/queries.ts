import type { DocumentByModel, ModelName } from '../documents.js';
import type { FilterColumn } from '../projection.js';
import { releaseKey } from '../projections/release.projection.js';
import type { Page, ReadModels } from '../read-models.port.js';
import { dumpLine } from './canonical-dump.js';
import type { RowStore } from './row-store.port.js';

const LIMIT_DEFAULT = 100;
export const LIMIT_MAX = 1_000;

type Filter = Page & { readonly [C in FilterColumn]?: string | undefined };

/** The query port over any store: the one place that knows how a question becomes a filter. */
export const readModelsOver = (store: RowStore): ReadModels => {
  const list = <M extends ModelName>(
    model: M,
    { limit, ...columns }: Filter = {},
    notStatus?: string,
  ): Promise<readonly DocumentByModel[M][]> =>
    store.list(model, {
      equal: definedOf(columns),
      ...(notStatus === undefined ? {} : { notStatus }),
      limit: Math.max(0, Math.min(limit ?? LIMIT_DEFAULT, LIMIT_MAX)),
    });

  return {
    position: () => store.position(),

    app: (appId) => store.get('apps', appId),
    appByName: async (name) => (await list('apps', { name, status: 'active', limit: 1 }))[0],
    apps: ({ status = 'active', ...filter } = {}) =>
      list('apps', status === 'any' ? filter : { ...filter, status }),

    release: (appId, version) => store.get('releases', releaseKey(appId, version)),
    releases: (filter) => list('releases', filter),

    build: (buildId) => store.get('builds', buildId),
    builds: (filter) => list('builds', filter),

    deploy: (deployId) => store.get('deploys', deployId),
    deploys: (filter) => list('deploys', filter),

    instance: (instanceId) => store.get('instances', instanceId),
    instances: ({ ended = false, ...filter } = {}) =>
      ended
        ? list('instances', { ...filter, status: 'stopped' })
        : list('instances', filter, 'stopped'),

    domain: (host) => store.get('domains', host),
    domains: (filter) => list('domains', filter),

    token: (tokenId) => store.get('tokens', tokenId),
    tokens: (filter) => list('tokens', filter),

    user: (userId) => store.get('users', userId),
    users: (filter) => list('users', filter),

    team: (teamId) => store.get('teams', teamId),
    teams: (filter) => list('teams', filter),

    node: (nodeId) => store.get('nodes', nodeId),
    nodes: (filter) => list('nodes', filter),

    router: (routerId) => store.get('routers', routerId),
    routers: (filter) => list('routers', filter),

    garbage: (filter) => list('garbage', filter),
    garbagePolicy: (nodeId) => store.get('garbage-policies', nodeId),

    dump: () => dumpOf(store),
  };
};

async function* dumpOf(store: RowStore): AsyncIterable<string> {
  for await (const row of store.scan()) yield dumpLine(row);
}

const definedOf = (columns: Filter): Partial<Record<FilterColumn, string>> =>
  Object.fromEntries(Object.entries(columns).filter(([, value]) => value !== undefined));
