import {
  change,
  valueOf,
  type ChangeOptions,
  type Connection,
  type ReadOptions,
} from './connection.js';
import type { FreezeRequest } from './resources.js';

/** Locks of apps. */
export const locksOf = ({ fetch: api, url }: Connection) => ({
  lock: (app: string, body: { readonly until?: string }, options: ChangeOptions) =>
    valueOf(
      api.POST('/v1/apps/{app}/lock', { params: { path: { app } }, body, ...change(options) }),
      url,
    ),
  unlock: (app: string, options: ChangeOptions) =>
    valueOf(
      api.POST('/v1/apps/{app}/unlock', {
        params: { path: { app } },
        body: {},
        ...change(options),
      }),
      url,
    ),
});

/** Freeze windows: of an app, or of the whole platform where none is named. */
export const freezesOf = ({ fetch: api, url }: Connection) => ({
  list: (app: string | undefined, read: ReadOptions) =>
    app === undefined
      ? valueOf(api.GET('/v1/freezes', { params: { query: read } }), url)
      : valueOf(api.GET('/v1/apps/{app}/freezes', { params: { path: { app }, query: read } }), url),
  add: (app: string | undefined, freeze: string, body: FreezeRequest, options: ChangeOptions) =>
    app === undefined
      ? valueOf(
          api.PUT('/v1/freezes/{freeze}', {
            params: { path: { freeze } },
            body,
            ...change(options),
          }),
          url,
        )
      : valueOf(
          api.PUT('/v1/apps/{app}/freezes/{freeze}', {
            params: { path: { app, freeze } },
            body,
            ...change(options),
          }),
          url,
        ),
  remove: (app: string | undefined, freeze: string, options: ChangeOptions) =>
    app === undefined
      ? valueOf(
          api.DELETE('/v1/freezes/{freeze}', { params: { path: { freeze } }, ...change(options) }),
          url,
        )
      : valueOf(
          api.DELETE('/v1/apps/{app}/freezes/{freeze}', {
            params: { path: { app, freeze } },
            ...change(options),
          }),
          url,
        ),
});
