import {
  change,
  valueOf,
  type ChangeOptions,
  type Connection,
  type ReadOptions,
} from './connection.js';

/** Maintenance of apps: a page instead of the app. */
export const maintenanceOf = ({ fetch: api, url }: Connection) => ({
  show: (app: string, read: ReadOptions) =>
    valueOf(api.GET('/v1/apps/{app}/maintenance', { params: { path: { app }, query: read } }), url),
  begin: (
    app: string,
    body: { readonly page: string | null; readonly allow: string[] },
    options: ChangeOptions,
  ) =>
    valueOf(
      api.PUT('/v1/apps/{app}/maintenance', {
        params: { path: { app } },
        body,
        ...change(options),
      }),
      url,
    ),
  end: (app: string, options: ChangeOptions) =>
    valueOf(
      api.DELETE('/v1/apps/{app}/maintenance', { params: { path: { app } }, ...change(options) }),
      url,
    ),
});
