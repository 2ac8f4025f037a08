import {
  change,
  valueOf,
  type ChangeOptions,
  type Connection,
  type ReadOptions,
} from './connection.js';
import type { BasicAuthChange, LimitsChange, SettingsChange, TrafficChange } from './resources.js';

export const settingsOf = ({ fetch: api, url }: Connection) => ({
  show: (app: string, read: ReadOptions) =>
    valueOf(api.GET('/v1/apps/{app}/settings', { params: { path: { app }, query: read } }), url),
  change: (app: string, body: SettingsChange, options: ChangeOptions) =>
    valueOf(
      api.PATCH('/v1/apps/{app}/settings', { params: { path: { app } }, body, ...change(options) }),
      url,
    ),
});

export const limitsOf = ({ fetch: api, url }: Connection) => ({
  list: (app: string, read: ReadOptions) =>
    valueOf(api.GET('/v1/apps/{app}/limits', { params: { path: { app }, query: read } }), url),
  change: (app: string, { process, set, unset }: LimitsChange, options: ChangeOptions) =>
    valueOf(
      api.PATCH('/v1/apps/{app}/limits', {
        params: { path: { app } },
        body: { process, set, unset: [...unset] },
        ...change(options),
      }),
      url,
    ),
});

export const trafficPolicyOf = ({ fetch: api, url }: Connection) => ({
  show: (app: string, read: ReadOptions) =>
    valueOf(
      api.GET('/v1/apps/{app}/traffic-policy', { params: { path: { app }, query: read } }),
      url,
    ),
  change: (app: string, body: TrafficChange, options: ChangeOptions) =>
    valueOf(
      api.PATCH('/v1/apps/{app}/traffic-policy', {
        params: { path: { app } },
        body,
        ...change(options),
      }),
      url,
    ),
});

export const basicAuthOf = ({ fetch: api, url }: Connection) => ({
  show: (app: string, read: ReadOptions) =>
    valueOf(api.GET('/v1/apps/{app}/basic-auth', { params: { path: { app }, query: read } }), url),
  change: (app: string, body: BasicAuthChange, options: ChangeOptions) =>
    valueOf(
      api.PATCH('/v1/apps/{app}/basic-auth', {
        params: { path: { app } },
        body,
        ...change(options),
      }),
      url,
    ),
});
