import {
  DEFAULT_SETTINGS,
  type InstanceStatus,
  type KnownInstance,
  type World,
} from '@shiplog/domain';
import { HOST_PATTERN } from '@shiplog/events';
import type { Endpoint } from './router.port.js';

export interface DesiredEndpoint extends Endpoint {
  /** `suspended`: known, but its process is not ready; `draining`: to be taken out for good. */
  readonly want: 'serving' | 'suspended' | 'draining';
  /** How long requests under way may take once it is taken out. */
  readonly drainMs: number;
}

/** What the log says the routers should do. */
export interface DesiredRoutes {
  /** Host → app id, for every app that exists; without an instance the host answers 503. */
  readonly hosts: ReadonlyMap<string, string>;
  /** By instance id: every `web` instance that was not stopped yet. */
  readonly endpoints: ReadonlyMap<string, DesiredEndpoint>;
  /** Apps of which the log knows, destroyed ones too: taking their routes out needs no other reason. */
  readonly knownApps: { has(appId: string): boolean };
}

const WEB = 'web';

const WANT: Readonly<Record<InstanceStatus, DesiredEndpoint['want'] | null>> = {
  scheduled: 'suspended',
  starting: 'suspended',
  ready: 'serving',
  exited: 'suspended',
  retired: 'draining',
  stopped: null,
};

export const desiredRoutes = (
  world: World,
  place: { readonly domain: string; readonly instanceHost: string },
): DesiredRoutes => {
  const apps = world.apps();
  const hosts = new Map<string, string>();
  // Names of the platform first: nobody's custom domain takes over another app's name. What is no host
  // never gets near a proxy.
  for (const [host, appId] of [
    ...apps.map(({ name, appId }) => [`${name}.${place.domain}`, appId] as const),
    ...apps.flatMap(({ domains, appId }) => domains.map((host) => [host, appId] as const)),
  ]) {
    if (HOST_PATTERN.test(host) && !hosts.has(host)) hosts.set(host, appId);
  }
  const endpoints = new Map<string, DesiredEndpoint>();
  for (const instance of world.instances()) {
    const endpoint = endpointOf(instance, world, place.instanceHost);
    if (endpoint !== undefined) endpoints.set(instance.instanceId, endpoint);
  }
  return { hosts, endpoints, knownApps: { has: (appId) => world.knowsApp(appId) } };
};

const endpointOf = (
  instance: KnownInstance,
  world: World,
  host: string,
): DesiredEndpoint | undefined => {
  const { instanceId, appId, process, status } = instance;
  const want = WANT[status];
  const place = placeOf(instance, host);
  if (process !== WEB || place === undefined || want === null) return undefined;
  const app = world.app(appId);
  const { drainSeconds } = app?.settings ?? DEFAULT_SETTINGS;
  return {
    instanceId,
    appId,
    ...place,
    // An instance of an app that is gone serves nobody, whether or not the deployer retired it yet.
    want: want === 'serving' && (app === undefined || app.stopped) ? 'suspended' : want,
    drainMs: drainSeconds * 1000,
  };
};

/**
 * At its own address, a connection to a process that died fails before anything is sent, so that any
 * request may go elsewhere; the engine's proxy on the host port accepts first and hangs up later.
 */
const placeOf = (
  { port, address, containerPort, reach }: KnownInstance,
  instanceHost: string,
): { host: string; port: number } | undefined => {
  if (reach === 'direct' && address != null && containerPort !== null) {
    return { host: address, port: containerPort };
  }
  return port === null ? undefined : { host: instanceHost, port };
};
