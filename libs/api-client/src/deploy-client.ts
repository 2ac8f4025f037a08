import {
  change,
  valueOf,
  type ChangeOptions,
  type Connection,
  type ReadOptions,
} from './connection.js';

/** Deploys of an app: how they went, and what they wait for. */
export const deploysOf = ({ fetch: api, url }: Connection) => ({
  list: (app: string, read: ReadOptions & { readonly limit?: string }) =>
    valueOf(api.GET('/v1/apps/{app}/deploys', { params: { path: { app }, query: read } }), url),
  show: (app: string, deploy: string, read: ReadOptions) =>
    valueOf(
      api.GET('/v1/apps/{app}/deploys/{deploy}', {
        params: { path: { app, deploy }, query: read },
      }),
      url,
    ),
  plan: (app: string, strategy: 'rolling' | 'blue-green' | 'canary' | undefined) =>
    valueOf(
      api.GET('/v1/apps/{app}/deploy-plan', {
        params: { path: { app }, query: strategy === undefined ? {} : { strategy } },
      }),
      url,
    ),
  promote: (app: string, deploy: string, to: 'next' | 'live', options: ChangeOptions) =>
    valueOf(
      api.POST('/v1/apps/{app}/deploys/{deploy}/promote', {
        params: { path: { app, deploy } },
        body: { to },
        ...change(options),
      }),
      url,
    ),
  cancel: (app: string, deploy: string, options: ChangeOptions) =>
    valueOf(
      api.POST('/v1/apps/{app}/deploys/{deploy}/cancel', {
        params: { path: { app, deploy } },
        body: {},
        ...change(options),
      }),
      url,
    ),
});

/** Releases of an app, and the ways to another one. */
export const releasesOf = ({ fetch: api, url }: Connection) => ({
  list: (app: string, read: ReadOptions & { readonly limit?: string }) =>
    valueOf(api.GET('/v1/apps/{app}/releases', { params: { path: { app }, query: read } }), url),
  show: (app: string, version: string, read: ReadOptions) =>
    valueOf(
      api.GET('/v1/apps/{app}/releases/{version}', {
        params: { path: { app, version }, query: read },
      }),
      url,
    ),
  promote: (app: string, version: string, to: string, options: ChangeOptions) =>
    valueOf(
      api.POST('/v1/apps/{app}/releases/{version}/promote', {
        params: { path: { app, version } },
        body: { to },
        ...change(options),
      }),
      url,
    ),
  rollBack: (app: string, version: number | undefined, options: ChangeOptions) =>
    valueOf(
      api.POST('/v1/apps/{app}/rollback', {
        params: { path: { app } },
        body: version === undefined ? {} : { version },
        ...change(options),
      }),
      url,
    ),
});
