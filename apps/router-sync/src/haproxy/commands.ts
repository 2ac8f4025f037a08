import { isIP } from 'node:net';
import { WEIGHT_MAX } from '@shiplog/domain';
import { ID_PATTERN, parseDomain, type DomainUse, type WebProtocol } from '@shiplog/events';
import { domainKey as keyOf, domainValue } from './domains.js';
import { matchCommands, unmatchCommands } from './matches.js';
import { noticeCommands } from './notices.js';
import { maxconnOf, policyCommands, unpolicyCommands } from './policies.js';
import type { HaproxyState } from './state.js';
import { FILES } from './file-names.js';
import { instanceOf, portIn, portOf } from '../routes/places.js';
import { placeIn, portOfProxy, portProxyName } from './tcp.js';
import { grown, newPorts, withPorts } from './growth.js';
import { backendName, SERVER_PREFIX, type PoolSize } from './render.js';
import type { Notice } from '../routes/notice.js';
import {
  RouterError,
  type Endpoint,
  type Match,
  type RouteAction,
  type TrafficRules,
} from '../routes/router.port.js';
import { sessionOf } from '../routes/traffic-rules.js';

export interface Translation {
  /** For every action that has a place; what has none keeps nobody from being taken out or served. */
  readonly commands: readonly string[];
  /** Places for all of them, where some have none. */
  readonly grown: PoolSize | undefined;
  /** Ports that nobody has any more, and nothing is under way at. */
  readonly closed?: readonly number[];
}

/**
 * Puts actions into words of the runtime API. A slot's owner is written before the slot is used and
 * erased after it was taken out of service, so that at no moment a server is in use without an owner.
 */
export const translate = (
  actions: readonly RouteAction[],
  state: HaproxyState,
  pool: PoolSize,
): Translation => {
  const draft = new Draft(state, pool);
  for (const action of actions) draft.add(action);
  const { commands, needs, closed } = draft;
  const isEnough =
    needs.backends <= pool.backends &&
    needs.servers <= pool.servers &&
    needs.h2Servers <= pool.h2Servers &&
    newPorts(pool, needs).length === 0;
  return {
    commands,
    grown: isEnough ? undefined : grown(pool, needs, draft.highestServer()),
    ...(closed.length > 0 && { closed }),
  };
};

/** Which places of a pool an instance takes. */
const SERVERS_FOR = { http: 'servers', h2c: 'h2Servers' } as const;

class Draft {
  readonly commands: string[] = [];
  /** Places that all this takes, those that there are not included. */
  readonly closed: number[] = [];
  needs: PoolSize = { backends: 0, servers: 0, h2Servers: 0 };
  /** All backends up to this one have an owner. */
  private backendsTaken = 0;
  /** Places that there are not. */
  private readonly missing = new Set<string>();
  private readonly owners: Map<string, string>;
  /** An app and an instance may have the same id: each kind has its own map. */
  private readonly backendOfApp: Map<string, string>;
  private readonly slotOfInstance: Map<string, string>;
  private readonly hosts: Map<string, string>;
  private readonly sessions: Map<string, string>;
  /** Of backends whose limit was changed: requests that each server may have in hand. */
  private readonly maxconn = new Map<string, number>();

  constructor(
    private readonly state: HaproxyState,
    private readonly pool: PoolSize,
  ) {
    this.owners = new Map(state.owners);
    const owned = [...state.owners].map(([slot, owner]) => [placeIn(slot, owner), slot] as const);
    this.backendOfApp = new Map(
      owned.filter(([, slot]) => !slot.includes('/') && portOfProxy(slot) === undefined),
    );
    this.slotOfInstance = new Map(owned.filter(([, slot]) => slot.includes('/')));
    this.hosts = new Map(state.hosts);
    this.sessions = new Map(state.sessions);
  }

  /** Of the places for HTTP/1.1 that somebody has; 0: nobody has one. */
  highestServer(): number {
    const ofServer = new RegExp(`/${SERVER_PREFIX.http}(\\d+)$`);
    let highest = 0;
    for (const slot of this.owners.keys()) {
      highest = Math.max(highest, Number(ofServer.exec(slot)?.[1] ?? 0));
    }
    return highest;
  }

  add(action: RouteAction): void {
    switch (action.kind) {
      case 'serve':
        return this.serve(action.endpoint);
      case 'weigh':
        this.onSlot(action.instanceId, (slot) => setWeight(slot, action.weight));
        return this.keepSession(action.instanceId, action.weight > 0);
      case 'match':
        return this.match(action.appId, action.match);
      case 'unmatch': {
        const backend = this.backendOfApp.get(action.appId);
        if (backend === undefined) return;
        return unmatchCommands(this.state, backend).forEach((command) => this.say(command));
      }
      case 'police':
        return this.police(action.appId, action.rules);
      case 'unpolice':
        return this.unpolice(action.appId);
      case 'notify':
        return this.notify(action.appId, action.notice);
      case 'bind-host':
        if (portIn(action.host) !== undefined) return this.bindPort(action.host, action.appId);
        return this.bindHost(action.host, action.appId, action.use);
      case 'unbind-host':
        if (portIn(action.host) !== undefined) return this.unbindPort(action.host);
        if (!this.hosts.delete(domainOf(action.host))) return;
        return this.say(`del map ${FILES.domains} ${domainKey(action.host)}`);
      case 'suspend':
        this.keepSession(action.instanceId, false);
        return this.onSlot(action.instanceId, (slot) => `set server ${slot} state maint`);
      case 'drain':
        // Its clients go to another one from now on: nobody can tell when the last of them has come.
        this.keepSession(action.instanceId, false);
        return this.onSlot(action.instanceId, (slot) => `set server ${slot} state drain`);
      case 'cut':
        return this.onSlot(action.instanceId, (slot) => `shutdown sessions server ${slot}`);
      case 'release':
        this.keepSession(action.instanceId, false);
        this.onSlot(action.instanceId, (slot) => `set server ${slot} state maint`);
        return this.disown(this.slotOfInstance, action.instanceId);
      case 'release-pool':
        if (portIn(action.appId) !== undefined) {
          this.closed.push(portIn(action.appId) ?? 0);
          return;
        }
        this.unpolice(action.appId);
        // Whoever has the place next is not told of.
        this.notify(action.appId, null);
        return this.disown(this.backendOfApp, action.appId);
    }
  }

  private serve({ instanceId, appId, host, port, weight, protocol }: Endpoint): void {
    const slot = this.slotFor(instanceId, appId, protocol);
    if (this.missing.has(slot)) return;
    const before = this.state.servers.get(slot);
    if (before?.address !== host || before.port !== port) {
      // Never move the address of a server that takes requests.
      if (before?.state === 'ready') this.say(`set server ${slot} state maint`);
      this.say(`set server ${slot} addr ${address(host)} port ${portNumber(port)}`);
    }
    // Before it takes requests: its place may have had another owner, and that one another part.
    if (before?.weight !== weight) {
      this.say(setWeight(slot, weight));
    }
    const backend = slot.slice(0, slot.indexOf('/'));
    const requests = this.maxconn.get(backend) ?? maxconnOf(this.state, backend);
    // A place that was made since, by a reload, has no limit yet.
    if (requests !== 0) this.say(setMaxconn(slot, requests));
    this.say(`set server ${slot} state ready`);
    this.keepSession(instanceId, weight > 0);
  }

  private slotFor(place: string, appId: string, protocol: WebProtocol | undefined): string {
    const port = portOf(place);
    if (port !== undefined) return this.serverOf(place, this.proxyOf(port));
    return this.serverOf(place, this.backendOf(appId), protocol);
  }

  /** Those that come back are led to an instance for as long as it has a part of the requests. */
  private keepSession(instanceId: string, isKept: boolean): void {
    if (portOf(instanceId) !== undefined) return;
    this.onSlot(instanceId, (slot) => {
      const [backend = '', server = ''] = slot.split('/');
      const key = `${backend}/${sessionOf(instanceId)}`;
      const now = this.sessions.get(key);
      if (isKept ? now === server : now === undefined) return undefined;
      if (isKept) this.sessions.set(key, server);
      else this.sessions.delete(key);
      if (!isKept) return `del map ${FILES.sessions} ${key}`;
      return `${now === undefined ? 'add' : 'set'} map ${FILES.sessions} ${key} ${server}`;
    });
  }

  private police(appId: string, rules: TrafficRules): void {
    const backend = this.backendOf(appId);
    if (this.missing.has(backend)) return;
    // Before anything waits for room: without a limit there is always room.
    this.limit(backend, rules.policy.concurrency?.perInstance ?? 0);
    for (const command of policyCommands(this.state, backend, rules)) this.say(command);
    for (const { key, state, weight } of this.state.servers.values()) {
      const instanceId = key.startsWith(`${backend}/`) ? this.owners.get(key) : undefined;
      if (instanceId !== undefined && state === 'ready') this.keepSession(instanceId, weight > 0);
    }
  }

  private unpolice(appId: string): void {
    const backend = this.backendOfApp.get(appId);
    if (backend === undefined || this.missing.has(backend)) return;
    for (const command of unpolicyCommands(this.state, backend)) this.say(command);
    if (maxconnOf(this.state, backend) !== 0) this.limit(backend, 0);
  }

  /** Also places that nobody has just now: whoever gets one begins without a limit of somebody else. */
  private limit(backend: string, requests: number): void {
    this.maxconn.set(backend, requests);
    if (requests === 0 && maxconnOf(this.state, backend) === 0) return;
    for (const [protocol, prefix] of Object.entries(SERVER_PREFIX) as [WebProtocol, string][]) {
      for (let n = 1; n <= this.pool[SERVERS_FOR[protocol]]; n += 1) {
        this.say(setMaxconn(`${backend}/${prefix}${n}`, requests));
      }
    }
  }

  private notify(appId: string, notice: Notice | null): void {
    const backend = this.backendOfApp.get(appId);
    if (backend === undefined || this.missing.has(backend)) return;
    for (const command of noticeCommands(this.state, backend, notice)) this.say(command);
  }

  /** Who has no place is not drawn; where nobody is left, nobody's requests match. */
  private match(appId: string, { rule, instanceIds }: Match): void {
    const backend = this.backendOfApp.get(appId);
    if (backend === undefined || this.missing.has(backend)) return;
    const servers = instanceIds.flatMap((id) => {
      const slot = this.slotOfInstance.get(id);
      const isThere = slot?.startsWith(`${backend}/`) === true && !this.missing.has(slot);
      return isThere ? [slot.slice(backend.length + 1)] : [];
    });
    const commands =
      servers.length === 0
        ? unmatchCommands(this.state, backend)
        : matchCommands(this.state, backend, { rule, servers });
    for (const command of commands) this.say(command);
  }

  private bindHost(host: string, appId: string, use: DomainUse | undefined): void {
    const backend = this.backendOf(appId);
    if (this.missing.has(backend)) return;
    const verb = this.hosts.has(domainOf(host)) ? 'set' : 'add';
    this.say(`${verb} map ${FILES.domains} ${domainKey(host)} ${domainValue(backend, host, use)}`);
    this.hosts.set(host, backend);
  }

  private bindPort(route: string, appId: string): void {
    const name = this.proxyOf(portIn(route) ?? 0);
    const before = this.owners.get(name);
    if (this.missing.has(name) || before === appId) return;
    this.owners.set(name, appId);
    const verb = before === undefined ? 'add' : 'set';
    this.say(`${verb} map ${FILES.owners} ${name} ${ownerId(appId)}`);
  }

  /** It is served until it is empty, by nobody new. */
  private unbindPort(route: string): void {
    const name = portProxyName(portIn(route) ?? 0);
    if (this.owners.delete(name)) this.say(`del map ${FILES.owners} ${name}`);
  }

  private proxyOf(port: number): string {
    const name = portProxyName(Number(portNumber(port)));
    if (this.pool.ports?.includes(port) !== true) this.missing.add(name);
    this.needs = { ...this.needs, ...withPorts(this.needs, [port]) };
    return name;
  }

  private backendOf(appId: string): string {
    const known = this.backendOfApp.get(appId);
    if (known !== undefined) return known;
    const n = this.firstFree(backendName, this.backendsTaken);
    this.backendsTaken = n;
    this.needs = { ...this.needs, backends: Math.max(this.needs.backends, n) };
    if (n > this.pool.backends) this.missing.add(backendName(n));
    return this.own(this.backendOfApp, backendName(n), appId);
  }

  private serverOf(instanceId: string, backend: string, protocol: WebProtocol = 'http'): string {
    const known = this.slotOfInstance.get(instanceId);
    if (known !== undefined) return known;
    const nameOf = (n: number): string => `${backend}/${SERVER_PREFIX[protocol]}${n}`;
    const n = this.firstFree(nameOf);
    const servers = SERVERS_FOR[protocol];
    this.needs = { ...this.needs, [servers]: Math.max(this.needs[servers], n) };
    if (n > this.pool[servers] || this.missing.has(backend)) this.missing.add(nameOf(n));
    const id = portOf(instanceId) === undefined ? instanceId : instanceOf(instanceId);
    return this.own(this.slotOfInstance, nameOf(n), instanceId, id);
  }

  private firstFree(nameOf: (n: number) => string, taken = 0): number {
    let n = taken + 1;
    while (this.owners.has(nameOf(n))) n += 1;
    return n;
  }

  /** `id`: what the map says of it; of a place at a port, whose it is. */
  private own(slots: Map<string, string>, slot: string, owner: string, id = owner): string {
    this.owners.set(slot, owner);
    slots.set(owner, slot);
    const text = `add map ${FILES.owners} ${slot} ${ownerId(id)}`;
    if (!this.missing.has(slot)) this.say(text);
    return slot;
  }

  private disown(slots: Map<string, string>, owner: string): void {
    const slot = slots.get(owner);
    if (slot === undefined) return;
    this.backendsTaken = 0;
    this.owners.delete(slot);
    slots.delete(owner);
    if (!this.missing.has(slot)) this.say(`del map ${FILES.owners} ${slot}`);
  }

  private onSlot(instanceId: string, command: (slot: string) => string | undefined): void {
    const slot = this.slotOfInstance.get(instanceId);
    const text = slot === undefined || this.missing.has(slot) ? undefined : command(slot);
    if (text !== undefined) this.say(text);
  }

  private say(command: string): void {
    this.commands.push(command);
  }
}

/** The last gate before the socket, where `;`, a newline or a backslash would begin another command. */
const domainOf = (text: string): string => checked(text, parseDomain(text) !== undefined, 'domain');
const domainKey = (domain: string): string => keyOf(domainOf(domain));
const ownerId = (id: string): string => checked(id, ID_PATTERN.test(id), 'id');
const address = (host: string): string => checked(host, isIP(host) !== 0, 'numeric address');
const setWeight = (slot: string, weight: number): string => {
  const isRight = Number.isInteger(weight) && weight >= 0 && weight <= WEIGHT_MAX;
  return `set server ${slot} weight ${checked(String(weight), isRight, 'weight')}`;
};
const setMaxconn = (slot: string, requests: number): string =>
  `set maxconn server ${slot} ${checked(String(requests), Number.isInteger(requests) && requests >= 0, 'number of requests')}`;
const portNumber = (port: number): string =>
  checked(String(port), Number.isInteger(port) && port > 0 && port < 65_536, 'port');

const checked = (value: string, isRight: boolean, what: string): string => {
  if (isRight) return value;
  const message = `not a ${what} for the runtime API: ${JSON.stringify(value)}`;
  throw new RouterError('router-refused', message);
};
