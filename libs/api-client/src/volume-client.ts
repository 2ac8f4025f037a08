import {
  change,
  valueOf,
  type ChangeOptions,
  type Connection,
  type ReadOptions,
} from './connection.js';
import type { operations } from './schema.js';

type BodyOf<O extends keyof operations> = operations[O] extends {
  requestBody?: { content: { 'application/json': infer B } };
}
  ? B
  : never;

const ONE = '/v1/apps/{app}/volumes/{volume}';

export const volumesOf = ({ fetch: api, url }: Connection) => ({
  list: (app: string, read: ReadOptions) =>
    valueOf(api.GET('/v1/apps/{app}/volumes', { params: { path: { app }, query: read } }), url),
  add: (app: string, body: BodyOf<'addVolume'>, options: ChangeOptions) =>
    valueOf(
      api.POST('/v1/apps/{app}/volumes', { params: { path: { app } }, body, ...change(options) }),
      url,
    ),
  change: (app: string, volume: string, body: BodyOf<'changeVolume'>, options: ChangeOptions) =>
    valueOf(api.PATCH(ONE, { params: { path: { app, volume } }, body, ...change(options) }), url),
  changeBackup: (
    app: string,
    volume: string,
    body: BodyOf<'changeVolumeBackup'>,
    options: ChangeOptions,
  ) =>
    valueOf(
      api.PATCH(`${ONE}/backup`, { params: { path: { app, volume } }, body, ...change(options) }),
      url,
    ),
  recreate: (app: string, volume: string, confirm: string, options: ChangeOptions) =>
    valueOf(
      api.POST(`${ONE}/recreate`, {
        params: { path: { app, volume } },
        body: { confirm },
        ...change(options),
      }),
      url,
    ),
  remove: (app: string, volume: string, confirm: string, options: ChangeOptions) =>
    valueOf(
      api.DELETE(ONE, {
        params: { path: { app, volume }, query: { confirm } },
        ...change(options),
      }),
      url,
    ),
  listKept: () => valueOf(api.GET('/v1/volumes/kept', {}), url),
  removeKept: (volume: string, confirm: string, options: ChangeOptions) =>
    valueOf(
      api.DELETE('/v1/volumes/kept/{volume}', {
        params: { path: { volume }, query: { confirm } },
        ...change(options),
      }),
      url,
    ),
});
