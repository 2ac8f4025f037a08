import {
  changeHeaders,
  reasonHeader,
  valueOf,
  type ChangeOptions,
  type Connection,
  type ReasonOptions,
} from './connection.js';
import type { BackupPolicy } from './resources.js';

/** Where backups are; what is left out is what the policy says. */
export interface Place {
  readonly target?: string;
}

export const backupsOf = ({ fetch: api, url }: Connection) => ({
  list: (query: Place) => valueOf(api.GET('/v1/backups', { params: { query } }), url),
  create: (body: Place & { readonly withVolumes: boolean }, options: ChangeOptions) =>
    valueOf(api.POST('/v1/backups', { body, headers: changeHeaders(options) }), url),
  verify: (body: Place & { readonly backupId?: string }, { reason }: ReasonOptions) =>
    valueOf(api.POST('/v1/backups/verify', { body, headers: reasonHeader(reason) }), url),
  policy: () => valueOf(api.GET('/v1/backups/policy'), url),
  changePolicy: (body: BackupPolicy, options: ChangeOptions) =>
    valueOf(api.PUT('/v1/backups/policy', { body, headers: changeHeaders(options) }), url),
});
