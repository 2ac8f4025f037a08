import { changeHeaders, valueOf, type ChangeOptions, type Connection } from './connection.js';
import type { paths } from './schema.js';

type Query = NonNullable<paths['/v1/audit']['get']['parameters']['query']>;

/** Who did what, when, from where and why. */
export const audits = ({ fetch: api, url }: Connection) => ({
  audit: {
    page: (query: Query) => valueOf(api.GET('/v1/audit', { params: { query } }), url),
    signing: () => valueOf(api.GET('/v1/audit/key'), url),
    rotateKey: () => valueOf(api.POST('/v1/audit/key/rotate', { body: {} }), url),
    erase: (body: { user: string; confirm: string }, options: ChangeOptions) =>
      valueOf(api.POST('/v1/audit/erasures', { body, headers: changeHeaders(options) }), url),
  },
});
