import {
  DEFAULT_SETTINGS,
  OPEN_TO_ALL,
  domainTable,
  isProven,
  matchOf,
  portsOf,
  redirectLoop,
  routeWeights,
  sharesOf,
  type ActiveApp,
  type BasicAuth,
  type InstanceStatus,
  type KnownInstance,
  type World,
} from '@shiplog/domain';
import {
  MAINTENANCE_PAGE_BYTES_MAX,
  parseDomain,
  PASSWORD_HASH_PATTERN,
  type DomainUse,
  type Maintenance,
} from '@shiplog/events';
import { addressPrefixes, type Notice } from './notice.js';
import { instanceOf, placeAt, portOf, portRoute, portsIn } from './places.js';
import type { Credentials, Endpoint, Match, TrafficRules } from './router.port.js';
import { rulesOf } from './traffic-rules.js';

export interface DesiredEndpoint extends Endpoint {
  /** `suspended`: known, but its process is not ready; `draining`: to be taken out for good. */
  readonly want: 'serving' | 'suspended' | 'draining';
  /** How long requests under way may take once it is taken out. */
  readonly drainMs: number;
}

/** What the log says the routers should do. */
export interface DesiredRoutes {
  /** Domain → app id, for every app that exists; without an instance the host answers 503. */
  readonly hosts: ReadonlyMap<string, string>;
  /** Of domains whose app does not just answer. */
  readonly uses: ReadonlyMap<string, DomainUse>;
  /** By place: every instance that is reached and was not stopped yet, for hosts and for each port. */
  readonly endpoints: ReadonlyMap<string, DesiredEndpoint>;
  /** By id: instances that could be reached, and nothing leads to. They wait for no route. */
  readonly unplaced?: ReadonlyMap<string, Pick<DesiredEndpoint, 'appId' | 'want'>>;
  /** By app id: requests that a canary gets whatever its part. */
  readonly matches: ReadonlyMap<string, Match>;
  /** By app id: what is done with its requests; absent: as for every app. */
  readonly policies: ReadonlyMap<string, TrafficRules>;
  /** By app id: what its clients are told. */
  readonly notices: ReadonlyMap<string, Notice>;
  /** Apps of which the log knows, destroyed ones too: taking their routes out needs no other reason. */
  readonly knownApps: { has(appId: string): boolean };
}

const WEB = 'web';
/** In base64. */
const PAGE_LENGTH_MAX = Math.ceil(MAINTENANCE_PAGE_BYTES_MAX / 3) * 4;

const WANT: Readonly<Record<InstanceStatus, DesiredEndpoint['want'] | null>> = {
  scheduled: 'suspended',
  starting: 'suspended',
  ready: 'serving',
  // Its requests under way go on; the place is kept for when it is ready again.
  unready: 'suspended',
  exited: 'suspended',
  retired: 'draining',
  stopped: null,
};

/** Where apps and instances are reached. */
export interface Place {
  /** Apps have names below it. */
  readonly domain: string;
  /** Numeric address at which published ports are reached. */
  readonly instanceHost: string;
  /** The hash of a password that the log has encrypted; undefined where it cannot be read. */
  readonly hashOf: (encrypted: string) => string | undefined;
}

export const desiredRoutes = (world: World, place: Place): DesiredRoutes => {
  const apps = world.apps();
  const hosts = desiredHosts(world, place.domain);
  const domains = { hosts, uses: usesIn(apps, hosts) };
  return routesOf(apps, world.instances(), domains, world, place);
};

/** Domains of apps, and what is done at them: none of it is of one app alone, since two may want the same. */
type Domains = Pick<DesiredRoutes, 'hosts' | 'uses'>;

/** The same of some apps alone, whose domains are those of `domainsOf`. */
export const desiredRoutesOf = (
  appIds: ReadonlySet<string>,
  domainsOf: (appId: string) => Domains,
  world: World,
  place: Place,
): DesiredRoutes => {
  const ids = [...appIds];
  const apps = ids.flatMap((appId) => world.app(appId) ?? []);
  const instances = ids.flatMap((appId) => world.instancesOf(appId));
  const all = ids.map(domainsOf);
  const domains = {
    hosts: new Map(all.flatMap(({ hosts }) => [...hosts])),
    uses: new Map(all.flatMap(({ uses }) => [...uses])),
  };
  return routesOf(apps, instances, domains, world, place);
};

/** What of the domains is of which app. */
export const domainsByApp = ({ hosts, uses }: Domains): ((appId: string) => Domains) => {
  const byApp = new Map<string, { hosts: Map<string, string>; uses: Map<string, DomainUse> }>();
  for (const [host, appId] of hosts) {
    const own = byApp.get(appId) ?? { hosts: new Map(), uses: new Map() };
    byApp.set(appId, own);
    own.hosts.set(host, appId);
    const use = uses.get(host);
    if (use !== undefined) own.uses.set(host, use);
  }
  return (appId) => byApp.get(appId) ?? { hosts: new Map(), uses: new Map() };
};

const routesOf = (
  apps: readonly ActiveApp[],
  instances: readonly KnownInstance[],
  domains: Domains,
  world: World,
  place: Place,
): DesiredRoutes => {
  const endpoints = new Map<string, DesiredEndpoint>();
  const unplaced = new Map<string, Pick<DesiredEndpoint, 'appId' | 'want'>>();
  for (const instance of instances) {
    const own = endpointsOf(instance, world, place.instanceHost);
    for (const endpoint of own) endpoints.set(endpoint.instanceId, endpoint);
    const { instanceId, appId, status } = instance;
    const want = WANT[status];
    if (own.length === 0 && want !== null && instance.containerPort !== null)
      unplaced.set(instanceId, { appId, want });
  }
  const matches = divide(endpoints, world);
  const policies = new Map(
    apps.flatMap(({ appId, traffic = {}, basicAuth = OPEN_TO_ALL }) => {
      const credentials = credentialsOf(basicAuth, place.hashOf);
      const isPlain = Object.keys(traffic).length === 0 && credentials === undefined;
      return isPlain ? [] : [[appId, rulesOf(traffic, credentials)] as const];
    }),
  );
  const notices = noticesOf(apps, instances);
  return {
    hosts: new Map([...domains.hosts, ...portsIn(apps)]),
    unplaced,
    uses: domains.uses,
    endpoints,
    matches,
    notices,
    policies,
    knownApps: { has: (appId) => world.knowsApp(appId) },
  };
};

/** Nobody comes through by a name whose password cannot be read: the app stays closed, whatever is lost. */
const credentialsOf = (
  { users, passesHeader }: BasicAuth,
  hashOf: (encrypted: string) => string | undefined,
): Credentials | undefined => {
  const names = Object.entries(users);
  if (names.length === 0) return undefined;
  const known = names.flatMap(([user, encrypted]) => {
    const hash = hashOf(encrypted);
    return hash === undefined || !PASSWORD_HASH_PATTERN.test(hash) ? [] : [[user, hash] as const];
  });
  return { users: Object.fromEntries(known), passesHeader };
};

/** Domain → app id, for every app that exists. */
export const desiredHosts = (world: World, domain: string): ReadonlyMap<string, string> => {
  const apps = world.apps();
  const hosts = new Map<string, string>();
  const unproven = unprovenIn(world);
  // Names of the platform first: nobody's custom domain takes over another app's name. What is no host
  // never gets near a proxy.
  for (const [host, appId] of [
    ...apps.map(({ name, appId }) => [`${name}.${domain}`, appId] as const),
    ...apps.flatMap(({ domains, appId }) =>
      domains.flatMap((host) => (unproven.get(host) === appId ? [] : [[host, appId] as const])),
    ),
  ]) {
    if (parseDomain(host) !== undefined && !hosts.has(host)) hosts.set(host, appId);
  }
  return hosts;
};

/** Domains whose team has yet to prove that they are theirs, and the app that holds them. */
const unprovenIn = (world: World): ReadonlyMap<string, string> => {
  const unproven = new Map<string, string>();
  for (const state of world.all('domain')) {
    if (state.status === 'reserved' && !isProven(state)) unproven.set(state.host, state.appId);
  }
  return unproven;
};

/** An app in maintenance, or one that has instances but none that is ready yet: it is starting. */
const noticesOf = (
  apps: readonly ActiveApp[],
  instances: readonly KnownInstance[],
): ReadonlyMap<string, Notice> => {
  const starting = new Set<string>();
  const ready = new Set<string>();
  for (const { appId, process, status } of instances) {
    if (process !== WEB) continue;
    if (status === 'scheduled' || status === 'starting') starting.add(appId);
    else if (status === 'ready') ready.add(appId);
  }
  const notices = new Map<string, Notice>();
  for (const { appId, stopped, maintenance } of apps) {
    if (maintenance !== undefined) notices.set(appId, maintenanceNotice(maintenance));
    else if (starting.has(appId) && !ready.has(appId) && !stopped)
      notices.set(appId, { kind: 'starting' });
  }
  return notices;
};

const maintenanceNotice = ({ page, allow }: Maintenance): Notice => {
  const text = page === null ? null : Buffer.from(page).toString('base64');
  // A page that does not fit into a proxy's buffer is none; the api takes no such page.
  const fits = text !== null && text.length <= PAGE_LENGTH_MAX;
  return { kind: 'maintenance', page: fits ? text : null, allow: addressPrefixes(allow) };
};

/** A redirect that leads back to itself is not carried out: its app answers. */
const usesIn = (
  apps: readonly ActiveApp[],
  hosts: ReadonlyMap<string, string>,
): ReadonlyMap<string, DomainUse> => {
  const uses = new Map<string, DomainUse>();
  for (const { appId, domainUses } of apps) {
    for (const [host, use] of Object.entries(domainUses)) {
      if (hosts.get(host) === appId) uses.set(host, use);
    }
  }
  const redirects = [...uses].filter(([, use]) => use.kind === 'redirect');
  if (redirects.length === 0) return uses;
  const table = domainTable(new Map([...hosts.keys()].map((host) => [host, uses.get(host)])));
  for (const [host] of redirects) {
    if (redirectLoop(host, table) !== undefined) uses.delete(host);
  }
  return uses;
};

/**
 * Most apps have instances of one generation, which share their requests evenly. Of the others it says the
 * parts, and answers which requests go to a canary whatever its part. Each port is divided for itself.
 */
const divide = (
  endpoints: Map<string, DesiredEndpoint>,
  world: World,
): ReadonlyMap<string, Match> => {
  const matches = new Map<string, Match>();
  const generationOf = (place: string): number => {
    const { state } = world.get('instance', instanceOf(place));
    return state.status === 'none' ? 0 : state.generation;
  };
  for (const own of servingTogether(endpoints)) {
    const instances = own.map(({ instanceId }) => ({
      instanceId,
      generation: generationOf(instanceId),
    }));
    const [first] = own;
    if (first === undefined || new Set(instances.map((one) => one.generation)).size < 2) continue;
    const rollouts = world.rolloutsOf(first.appId);
    const isForRequests = portOf(first.instanceId) === undefined;
    const match = isForRequests ? matchIn(instances, rollouts) : null;
    if (match !== null) matches.set(first.appId, match);
    const weights = routeWeights(instances, rollouts);
    for (const endpoint of own) {
      const weight = weights.get(endpoint.instanceId) ?? 1;
      endpoints.set(endpoint.instanceId, { ...endpoint, weight });
    }
  }
  return matches;
};

const servingTogether = (
  endpoints: ReadonlyMap<string, DesiredEndpoint>,
): Iterable<readonly DesiredEndpoint[]> => {
  const groups = new Map<string, DesiredEndpoint[]>();
  for (const endpoint of endpoints.values()) {
    if (endpoint.want !== 'serving') continue;
    const port = portOf(endpoint.instanceId);
    const key = port === undefined ? endpoint.appId : portRoute(port);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [endpoint]);
    else group.push(endpoint);
  }
  return groups.values();
};

/** Of a canary between its first step and its last one, as far as instances of it serve. */
const matchIn = (
  serving: readonly { readonly instanceId: string; readonly generation: number }[],
  rollouts: ReturnType<World['rolloutsOf']>,
): Match | null => {
  for (const rollout of rollouts) {
    if (rollout.status !== 'running' || rollout.step === 0) continue;
    if (rollout.step >= sharesOf(rollout.strategy).length) continue;
    const rule = matchOf(rollout.strategy);
    const own = serving.filter(({ generation }) => generation === rollout.generation);
    if (rule === null || own.length === 0) continue;
    return { rule, instanceIds: own.map(({ instanceId }) => instanceId).toSorted() };
  }
  return null;
};

/** Requests are for `web` alone; ports of its app are for whom they were added. */
const endpointsOf = (
  instance: KnownInstance,
  world: World,
  host: string,
): readonly DesiredEndpoint[] => {
  const { instanceId, appId, process, status, containerPort } = instance;
  const want = WANT[status];
  // What was made before its process had a port was never asked whether it is ready.
  if (want === null || containerPort === null) return [];
  const app = world.app(appId);
  const { drainSeconds } = app?.settings ?? DEFAULT_SETTINGS;
  const common = {
    appId,
    // An instance of an app that is gone serves nobody, whether or not the deployer retired it yet.
    want: want === 'serving' && (app === undefined || app.stopped) ? 'suspended' : want,
    drainMs: drainSeconds * 1000,
    weight: 1,
  } as const;
  const web = process === WEB ? placeOf(instance, host, containerPort) : undefined;
  const spoken = instance.protocol === 'h2c' ? { protocol: instance.protocol } : {};
  return [
    ...(web === undefined ? [] : [{ instanceId, ...web, ...spoken, ...common }]),
    ...portsOf(app ?? {}, process).flatMap(({ port, containerPort: own }) => {
      const place = placeOf(instance, host, own ?? containerPort);
      return place === undefined
        ? []
        : [{ instanceId: placeAt(instanceId, port), ...place, ...common }];
    }),
  ];
};

/**
 * At its own address, a connection to a process that died fails before anything is sent, so that any
 * request may go elsewhere; the engine's proxy on the host port accepts first and hangs up later. It leads to one port
 * of the instance only.
 */
const placeOf = (
  { port, address, containerPort, reach }: KnownInstance,
  instanceHost: string,
  listensAt: number,
): { host: string; port: number } | undefined => {
  if (reach === 'direct' && address != null) return { host: address, port: listensAt };
  return port === null || listensAt !== containerPort ? undefined : { host: instanceHost, port };
};
