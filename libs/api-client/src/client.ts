import {
  change,
  connect,
  reasonHeader,
  valueOf,
  type ChangeOptions,
  type Connection,
  type ConnectionOptions,
  type ReadOptions,
  type ReasonOptions,
} from './connection.js';
import { deploysOf, releasesOf } from './deploy-client.js';
import { backupsOf } from './backup-client.js';
import { audits } from './audit-client.js';
import { certificatesOf } from './certificates-client.js';
import { freezesOf, locksOf } from './gates-client.js';
import { maintenanceOf } from './maintenance-client.js';
import type { AddedDomainUse, GarbagePolicy } from './resources.js';
import { cronOf, runsOf } from './run-client.js';
import type { paths } from './schema.js';
import { portsOf } from './port-client.js';
import { basicAuthOf, limitsOf, settingsOf, trafficPolicyOf } from './settings-client.js';
import { sessions } from './session-client.js';
import { streams } from './stream-client.js';
import { upload } from './upload.js';
import { volumesOf } from './volume-client.js';

type BodyOf<P extends keyof paths> = paths[P] extends {
  post: { requestBody?: { content: { 'application/json': infer B } } };
}
  ? B
  : never;
type Source = BodyOf<'/v1/apps/{app}/builds'>['source'];

/** Everything the API offers, by noun; each method is one operation. */
export const createShiplogClient = (options: ConnectionOptions) => {
  const connection = connect(options);
  return {
    url: connection.url,
    apps: appsOf(connection),
    config: configOf(connection),
    settings: settingsOf(connection),
    limits: limitsOf(connection),
    trafficPolicy: trafficPolicyOf(connection),
    basicAuth: basicAuthOf(connection),
    builds: buildsOf(connection),
    deploys: deploysOf(connection),
    releases: releasesOf(connection),
    runs: runsOf(connection),
    cron: cronOf(connection),
    volumes: volumesOf(connection),
    locks: locksOf(connection),
    maintenance: maintenanceOf(connection),
    freezes: freezesOf(connection),
    domains: domainsOf(connection),
    ports: portsOf(connection),
    certificates: certificatesOf(connection),
    tokens: tokensOf(connection),
    platform: platformOf(connection),
    garbage: garbageOf(connection),
    keys: keysOf(connection),
    undo: undoOf(connection),
    backups: backupsOf(connection),
    ...audits(connection),
    ...streams(connection),
    ...sessions(connection),
  };
};
export type ShiplogClient = ReturnType<typeof createShiplogClient>;

const appsOf = ({ fetch: api, url }: Connection) => ({
  list: (read: ReadOptions) => valueOf(api.GET('/v1/apps', { params: { query: read } }), url),
  show: (app: string, read: ReadOptions) =>
    valueOf(api.GET('/v1/apps/{app}', { params: { path: { app }, query: read } }), url),
  create: (name: string, options: ChangeOptions) =>
    valueOf(api.POST('/v1/apps', { body: { name }, ...change(options) }), url),
  destroy: (
    app: string,
    query: { readonly confirm: string; readonly volumes?: 'true' },
    options: ChangeOptions,
  ) =>
    valueOf(
      api.DELETE('/v1/apps/{app}', {
        params: { path: { app }, query },
        ...change(options),
      }),
      url,
    ),
  restart: (app: string, options: ChangeOptions) =>
    valueOf(
      api.POST('/v1/apps/{app}/restart', {
        params: { path: { app } },
        body: {},
        ...change(options),
      }),
      url,
    ),
  stop: (app: string, options: ChangeOptions) =>
    valueOf(
      api.POST('/v1/apps/{app}/stop', { params: { path: { app } }, body: {}, ...change(options) }),
      url,
    ),
  start: (app: string, options: ChangeOptions) =>
    valueOf(
      api.POST('/v1/apps/{app}/start', { params: { path: { app } }, body: {}, ...change(options) }),
      url,
    ),
  scale: (app: string, body: Readonly<Record<string, number>>, options: ChangeOptions) =>
    valueOf(
      api.PATCH('/v1/apps/{app}/formation', {
        params: { path: { app } },
        body,
        ...change(options),
      }),
      url,
    ),
  instances: (app: string, read: ReadOptions) =>
    valueOf(api.GET('/v1/apps/{app}/instances', { params: { path: { app }, query: read } }), url),
  traffic: (app: string) =>
    valueOf(api.GET('/v1/apps/{app}/traffic', { params: { path: { app } } }), url),
  gitUrl: (app: string, body: { expiresInDays?: number }, options: ChangeOptions) =>
    valueOf(
      api.POST('/v1/apps/{app}/git-url', { params: { path: { app } }, body, ...change(options) }),
      url,
    ),
});

interface ConfigChange {
  readonly set: Readonly<Record<string, string>>;
  readonly unset: readonly string[];
}

const configOf = ({ fetch: api, url }: Connection) => ({
  list: (app: string, read: ReadOptions) =>
    valueOf(api.GET('/v1/apps/{app}/config', { params: { path: { app }, query: read } }), url),
  show: (app: string, key: string, read: ReadOptions) =>
    valueOf(
      api.GET('/v1/apps/{app}/config/{key}', { params: { path: { app, key }, query: read } }),
      url,
    ),
  change: (app: string, { set, unset }: ConfigChange, options: ChangeOptions) =>
    valueOf(
      api.PATCH('/v1/apps/{app}/config', {
        params: { path: { app } },
        body: { set: { ...set }, unset: [...unset] },
        ...change(options),
      }),
      url,
    ),
});

const buildsOf = (connection: Connection) => {
  const { fetch: api, url } = connection;
  return {
    uploadSource: upload(connection),
    request: (app: string, source: Source, options: ChangeOptions) =>
      valueOf(
        api.POST('/v1/apps/{app}/builds', {
          params: { path: { app } },
          body: { source },
          ...change(options),
        }),
        url,
      ),
    list: (app: string, read: ReadOptions & { readonly limit?: string }) =>
      valueOf(api.GET('/v1/apps/{app}/builds', { params: { path: { app }, query: read } }), url),
    show: (app: string, build: string, read: ReadOptions) =>
      valueOf(
        api.GET('/v1/apps/{app}/builds/{build}', { params: { path: { app, build }, query: read } }),
        url,
      ),
    cancel: (app: string, build: string, options: ChangeOptions) =>
      valueOf(
        api.POST('/v1/apps/{app}/builds/{build}/cancel', {
          params: { path: { app, build } },
          body: {},
          ...change(options),
        }),
        url,
      ),
  };
};

const domainsOf = ({ fetch: api, url }: Connection) => ({
  list: (app: string, read: ReadOptions) =>
    valueOf(api.GET('/v1/apps/{app}/domains', { params: { path: { app }, query: read } }), url),
  add: (app: string, host: string, use: AddedDomainUse, options: ChangeOptions) =>
    valueOf(
      api.PUT('/v1/apps/{app}/domains/{host}', {
        params: { path: { app, host } },
        body: use,
        ...change(options),
      }),
      url,
    ),
  check: (app: string, host: string, options: ChangeOptions) =>
    valueOf(
      api.POST('/v1/apps/{app}/domains/{host}/check', {
        params: { path: { app, host } },
        body: {},
        ...change(options),
      }),
      url,
    ),
  remove: (app: string, host: string, options: ChangeOptions) =>
    valueOf(
      api.DELETE('/v1/apps/{app}/domains/{host}', {
        params: { path: { app, host } },
        ...change(options),
      }),
      url,
    ),
});

const tokensOf = ({ fetch: api, url }: Connection) => ({
  list: (read: ReadOptions) => valueOf(api.GET('/v1/tokens', { params: { query: read } }), url),
  create: (body: { name: string; expiresInDays?: number }, options: ChangeOptions) =>
    valueOf(api.POST('/v1/tokens', { body, ...change(options) }), url),
  revoke: (token: string, options: ChangeOptions) =>
    valueOf(
      api.DELETE('/v1/tokens/{token}', { params: { path: { token } }, ...change(options) }),
      url,
    ),
});

interface EventFilter {
  readonly app?: string;
  readonly type?: string;
  readonly after?: string;
  readonly limit?: string;
}

interface ReplayMoments {
  readonly at?: string;
  readonly diff?: string;
  readonly app?: string;
}

const platformOf = ({ fetch: api, url }: Connection) => ({
  whoami: () => valueOf(api.GET('/v1/whoami'), url),
  nodes: (read: ReadOptions) => valueOf(api.GET('/v1/nodes', { params: { query: read } }), url),
  doctor: () => valueOf(api.GET('/v1/doctor'), url),
  rebuild: (name: string | undefined) =>
    valueOf(api.POST('/v1/rebuild', { body: name === undefined ? {} : { name } }), url),
  startRebuild: (
    body: { readonly name?: string; readonly force?: boolean },
    { reason }: ReasonOptions,
  ) => valueOf(api.POST('/v1/rebuild/start', { body, headers: reasonHeader(reason) }), url),
  rebuildStatus: () => valueOf(api.GET('/v1/rebuild'), url),
  cancelRebuild: ({ reason }: ReasonOptions) =>
    valueOf(api.POST('/v1/rebuild/cancel', { body: {}, headers: reasonHeader(reason) }), url),
  replay: (moments: ReplayMoments) =>
    valueOf(api.GET('/v1/replay', { params: { query: moments } }), url),
  events: (filter: EventFilter) =>
    valueOf(api.GET('/v1/events', { params: { query: filter } }), url),
});

interface Undo {
  readonly force: boolean;
  readonly plan?: string;
}

const undoOf = ({ fetch: api, url }: Connection) => ({
  propose: (sequence: string, force: boolean) =>
    valueOf(
      api.GET('/v1/undo/{sequence}', {
        params: { path: { sequence }, query: force ? { force: 'true' } : {} },
      }),
      url,
    ),
  send: (sequence: string, body: Undo, options: ChangeOptions) =>
    valueOf(
      api.POST('/v1/undo/{sequence}', { params: { path: { sequence } }, body, ...change(options) }),
      url,
    ),
});

const keysOf = ({ fetch: api, url }: Connection) => ({
  list: () => valueOf(api.GET('/v1/keys'), url),
  rotate: (options: ChangeOptions) =>
    valueOf(api.POST('/v1/keys/rotate', { body: {}, ...change(options) }), url),
});

const garbageOf = ({ fetch: api, url }: Connection) => ({
  preview: () => valueOf(api.GET('/v1/gc/preview'), url),
  run: ({ reason }: ReasonOptions) =>
    valueOf(api.POST('/v1/gc/run', { body: {}, headers: reasonHeader(reason) }), url),
  policy: () => valueOf(api.GET('/v1/gc/policy'), url),
  changePolicy: (body: GarbagePolicy, options: ChangeOptions) =>
    valueOf(api.PUT('/v1/gc/policy', { body, ...change(options) }), url),
});
