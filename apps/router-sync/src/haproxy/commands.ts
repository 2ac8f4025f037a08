import { isIP } from 'node:net';
import { WEIGHT_MAX } from '@shiplog/domain';
import { ID_PATTERN, parseDomain, type DomainUse } from '@shiplog/events';
import { domainKey as keyOf, domainValue } from './domains.js';
import { matchCommands, unmatchCommands } from './matches.js';
import { noticeCommands } from './notices.js';
import type { HaproxyState } from './state.js';
import { FILES } from './file-names.js';
import { backendName, SERVER_PREFIX, type PoolSize } from './render.js';
import type { Notice } from '../routes/notice.js';
import { RouterError, type Endpoint, type Match, type RouteAction } from '../routes/router.port.js';

export interface Translation {
  /** For every action that has a place; what has none keeps nobody from being taken out or served. */
  readonly commands: readonly string[];
  /** Places for all of them, where some have none. */
  readonly grown: PoolSize | undefined;
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
  const { commands, needs } = draft;
  const isEnough = needs.backends <= pool.backends && needs.servers <= pool.servers;
  return { commands, grown: isEnough ? undefined : grown(pool, needs) };
};

/** Doubled until everything fits, so that growing stays rare. */
const grown = (pool: PoolSize, needs: PoolSize): PoolSize => ({
  backends: doubled(pool.backends, needs.backends),
  servers: doubled(pool.servers, needs.servers),
});
const doubled = (from: number, to: number): number => (from >= to ? from : doubled(from * 2, to));

class Draft {
  readonly commands: string[] = [];
  /** Places that all this takes, those that there are not included. */
  needs: PoolSize = { backends: 0, servers: 0 };
  /** Places that there are not. */
  private readonly missing = new Set<string>();
  private readonly owners: Map<string, string>;
  /** An app and an instance may have the same id: each kind has its own map. */
  private readonly backendOfApp: Map<string, string>;
  private readonly slotOfInstance: Map<string, string>;
  private readonly hosts: Map<string, string>;

  constructor(
    private readonly state: HaproxyState,
    private readonly pool: PoolSize,
  ) {
    this.owners = new Map(state.owners);
    const owned = [...state.owners].map(([slot, owner]) => [owner, slot] as const);
    this.backendOfApp = new Map(owned.filter(([, slot]) => !slot.includes('/')));
    this.slotOfInstance = new Map(owned.filter(([, slot]) => slot.includes('/')));
    this.hosts = new Map(state.hosts);
  }

  add(action: RouteAction): void {
    switch (action.kind) {
      case 'serve':
        return this.serve(action.endpoint);
      case 'weigh':
        return this.onSlot(action.instanceId, (slot) => setWeight(slot, action.weight));
      case 'match':
        return this.match(action.appId, action.match);
      case 'unmatch': {
        const backend = this.backendOfApp.get(action.appId);
        if (backend === undefined) return;
        return unmatchCommands(this.state, backend).forEach((command) => this.say(command));
      }
      case 'notify':
        return this.notify(action.appId, action.notice);
      case 'bind-host':
        return this.bindHost(action.host, action.appId, action.use);
      case 'unbind-host':
        if (!this.hosts.delete(domainOf(action.host))) return;
        return this.say(`del map ${FILES.domains} ${domainKey(action.host)}`);
      case 'suspend':
        return this.onSlot(action.instanceId, (slot) => `set server ${slot} state maint`);
      case 'drain':
        return this.onSlot(action.instanceId, (slot) => `set server ${slot} state drain`);
      case 'cut':
        return this.onSlot(action.instanceId, (slot) => `shutdown sessions server ${slot}`);
      case 'release':
        this.onSlot(action.instanceId, (slot) => `set server ${slot} state maint`);
        return this.disown(this.slotOfInstance, action.instanceId);
      case 'release-pool':
        // Whoever has the place next is not told of.
        this.notify(action.appId, null);
        return this.disown(this.backendOfApp, action.appId);
    }
  }

  private serve({ instanceId, appId, host, port, weight }: Endpoint): void {
    const slot = this.serverOf(instanceId, this.backendOf(appId));
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
    this.say(`set server ${slot} state ready`);
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

  private backendOf(appId: string): string {
    const known = this.backendOfApp.get(appId);
    if (known !== undefined) return known;
    const n = this.firstFree(backendName);
    this.needs = { ...this.needs, backends: Math.max(this.needs.backends, n) };
    if (n > this.pool.backends) this.missing.add(backendName(n));
    return this.own(this.backendOfApp, backendName(n), appId);
  }

  private serverOf(instanceId: string, backend: string): string {
    const known = this.slotOfInstance.get(instanceId);
    if (known !== undefined) return known;
    const nameOf = (n: number): string => `${backend}/${SERVER_PREFIX}${n}`;
    const n = this.firstFree(nameOf);
    this.needs = { ...this.needs, servers: Math.max(this.needs.servers, n) };
    if (n > this.pool.servers || this.missing.has(backend)) this.missing.add(nameOf(n));
    return this.own(this.slotOfInstance, nameOf(n), instanceId);
  }

  private firstFree(nameOf: (n: number) => string): number {
    let n = 1;
    while (this.owners.has(nameOf(n))) n += 1;
    return n;
  }

  private own(slots: Map<string, string>, slot: string, owner: string): string {
    this.owners.set(slot, owner);
    slots.set(owner, slot);
    const id = ownerId(owner);
    if (!this.missing.has(slot)) this.say(`add map ${FILES.owners} ${slot} ${id}`);
    return slot;
  }

  private disown(slots: Map<string, string>, owner: string): void {
    const slot = slots.get(owner);
    if (slot === undefined) return;
    this.owners.delete(slot);
    slots.delete(owner);
    if (!this.missing.has(slot)) this.say(`del map ${FILES.owners} ${slot}`);
  }

  private onSlot(instanceId: string, command: (slot: string) => string): void {
    const slot = this.slotOfInstance.get(instanceId);
    if (slot !== undefined && !this.missing.has(slot)) this.say(command(slot));
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
const portNumber = (port: number): string =>
  checked(String(port), Number.isInteger(port) && port > 0 && port < 65_536, 'port');

const checked = (value: string, isRight: boolean, what: string): string => {
  if (isRight) return value;
  const message = `not a ${what} for the runtime API: ${JSON.stringify(value)}`;
  throw new RouterError('router-refused', message);
};
