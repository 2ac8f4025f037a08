import {
  change,
  valueOf,
  type ChangeOptions,
  type Connection,
  type ReadOptions,
} from './connection.js';
import type { paths } from './schema.js';

type SetCronJob = paths['/v1/apps/{app}/cron/{job}']['put'];
type CronJobBody = SetCronJob extends {
  requestBody?: { content: { 'application/json': infer B } };
}
  ? B
  : never;

/** One-off commands. */
export const runsOf = ({ fetch: api, url }: Connection) => ({
  list: (app: string, read: ReadOptions & { readonly limit?: string; readonly job?: string }) =>
    valueOf(api.GET('/v1/apps/{app}/runs', { params: { path: { app }, query: read } }), url),
  show: (app: string, run: string, read: ReadOptions) =>
    valueOf(
      api.GET('/v1/apps/{app}/runs/{run}', { params: { path: { app, run }, query: read } }),
      url,
    ),
  stop: (app: string, run: string, options: ChangeOptions) =>
    valueOf(
      api.POST('/v1/apps/{app}/runs/{run}/stop', {
        params: { path: { app, run } },
        body: {},
        ...change(options),
      }),
      url,
    ),
});

export const cronOf = ({ fetch: api, url }: Connection) => ({
  list: (app: string, read: ReadOptions) =>
    valueOf(api.GET('/v1/apps/{app}/cron', { params: { path: { app }, query: read } }), url),
  set: (app: string, job: string, body: CronJobBody, options: ChangeOptions) =>
    valueOf(
      api.PUT('/v1/apps/{app}/cron/{job}', {
        params: { path: { app, job } },
        body,
        ...change(options),
      }),
      url,
    ),
  remove: (app: string, job: string, options: ChangeOptions) =>
    valueOf(
      api.DELETE('/v1/apps/{app}/cron/{job}', {
        params: { path: { app, job } },
        ...change(options),
      }),
      url,
    ),
  run: (app: string, job: string, options: ChangeOptions) =>
    valueOf(
      api.POST('/v1/apps/{app}/cron/{job}/run', {
        params: { path: { app, job } },
        body: {},
        ...change(options),
      }),
      url,
    ),
});
