import {
  changeHeaders,
  reasonHeader,
  valueOf,
  type ChangeOptions,
  type Connection,
  type ReasonOptions,
} from './connection.js';
import type { paths } from './schema.js';

type Query = NonNullable<paths['/v1/audit']['get']['parameters']['query']>;
type WhyQuery = NonNullable<paths['/v1/why']['get']['parameters']['query']>;

/** Who did what, when, from where and why. */
export const audits = ({ fetch: api, url }: Connection) => ({
  /** Why something is there. */
  why: (query: WhyQuery) => valueOf(api.GET('/v1/why', { params: { query } }), url),
  audit: {
    page: (query: Query) => valueOf(api.GET('/v1/audit', { params: { query } }), url),
    signing: () => valueOf(api.GET('/v1/audit/key'), url),
    rotateKey: ({ reason }: ReasonOptions) =>
      valueOf(api.POST('/v1/audit/key/rotate', { body: {}, headers: reasonHeader(reason) }), url),
    erase: (body: { user: string; confirm: string }, options: ChangeOptions) =>
      valueOf(api.POST('/v1/audit/erasures', { body, headers: changeHeaders(options) }), url),
  },
});
