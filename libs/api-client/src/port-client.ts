import {
  change,
  valueOf,
  type ChangeOptions,
  type Connection,
  type ReadOptions,
} from './connection.js';
import type { AddedPortBody } from './resources.js';

const ONE = '/v1/apps/{app}/ports/{port}';

export const portsOf = ({ fetch: api, url }: Connection) => ({
  list: (app: string, read: ReadOptions) =>
    valueOf(api.GET('/v1/apps/{app}/ports', { params: { path: { app }, query: read } }), url),
  add: (app: string, port: string, body: AddedPortBody, options: ChangeOptions) =>
    valueOf(api.PUT(ONE, { params: { path: { app, port } }, body, ...change(options) }), url),
  remove: (app: string, port: string, options: ChangeOptions) =>
    valueOf(api.DELETE(ONE, { params: { path: { app, port } }, ...change(options) }), url),
});
