import { isIP } from 'node:net';
import { HOST_PATTERN, ID_PATTERN } from '@shiplog/events';
import { slotsOf, type HaproxyState } from './haproxy-state.js';
import { FILES, type PoolSize } from './render-haproxy.js';
import type { Endpoint, RouteAction } from './router.port.js';

/** The commands of a batch, or how many places it would need. */
export type Translation =
  | { readonly outcome: 'commands'; readonly commands: readonly string[] }
  | { readonly outcome: 'grow'; readonly pool: PoolSize };

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
  return draft.needs === undefined
    ? { outcome: 'commands', commands: draft.commands }
    : { outcome: 'grow', pool: draft.needs };
};

class Draft {
  readonly commands: string[] = [];
  needs: PoolSize | undefined;
  private readonly owners: Map<string, string>;
  private readonly slotOf: Map<string, string>;
  private readonly hosts: Map<string, string>;

  constructor(
    private readonly state: HaproxyState,
    private readonly pool: PoolSize,
  ) {
    this.owners = new Map(state.owners);
    this.slotOf = new Map([...state.owners].map(([slot, owner]) => [owner, slot]));
    this.hosts = new Map(state.hosts);
  }

  add(action: RouteAction): void {
    switch (action.kind) {
      case 'serve':
        return this.serve(action.endpoint);
      case 'bind-host':
        return this.bindHost(action.host, action.appId);
      case 'unbind-host':
        if (!this.hosts.delete(hostName(action.host))) return;
        return this.say(`del map ${FILES.hosts} ${hostName(action.host)}`);
      case 'suspend':
        return this.onSlot(action.instanceId, (slot) => `set server ${slot} state maint`);
      case 'drain':
        return this.onSlot(action.instanceId, (slot) => `set server ${slot} state drain`);
      case 'cut':
        return this.onSlot(action.instanceId, (slot) => `shutdown sessions server ${slot}`);
      case 'release':
        this.onSlot(action.instanceId, (slot) => `set server ${slot} state maint`);
        return this.disown(action.instanceId);
      case 'release-pool':
        return this.disown(action.appId);
    }
  }

  private serve({ instanceId, appId, host, port }: Endpoint): void {
    const backend = this.backendOf(appId);
    if (backend === undefined) return;
    const slot = this.serverOf(instanceId, backend);
    if (slot === undefined) return;
    const before = this.state.servers.get(slot);
    if (before?.address !== host || before.port !== port) {
      // Never move the address of a server that takes requests.
      if (before?.state === 'ready') this.say(`set server ${slot} state maint`);
      this.say(`set server ${slot} addr ${address(host)} port ${portNumber(port)}`);
    }
    this.say(`set server ${slot} state ready`);
  }

  private bindHost(host: string, appId: string): void {
    const backend = this.backendOf(appId);
    if (backend === undefined) return;
    const verb = this.hosts.has(hostName(host)) ? 'set' : 'add';
    this.say(`${verb} map ${FILES.hosts} ${host} ${backend}`);
    this.hosts.set(host, backend);
  }

  /** The app's backend, a free one, or none: then `needs` says how many it takes. */
  private backendOf(appId: string): string | undefined {
    const known = this.slotOf.get(appId);
    if (known !== undefined) return known;
    const free = slotsOf(this.pool).backends.find((backend) => !this.owners.has(backend));
    if (free === undefined) {
      this.needs = { ...(this.needs ?? this.pool), backends: this.pool.backends * 2 };
      return undefined;
    }
    this.own(free, appId);
    return free;
  }

  private serverOf(instanceId: string, backend: string): string | undefined {
    const known = this.slotOf.get(instanceId);
    if (known !== undefined) return known;
    const free = slotsOf(this.pool)
      .servers.map((server) => `${backend}/${server}`)
      .find((slot) => !this.owners.has(slot));
    if (free === undefined) {
      this.needs = { ...(this.needs ?? this.pool), servers: this.pool.servers * 2 };
      return undefined;
    }
    this.own(free, instanceId);
    return free;
  }

  private own(slot: string, owner: string): void {
    this.owners.set(slot, owner);
    this.slotOf.set(owner, slot);
    this.say(`add map ${FILES.owners} ${slot} ${ownerId(owner)}`);
  }

  private disown(owner: string): void {
    const slot = this.slotOf.get(owner);
    if (slot === undefined) return;
    this.owners.delete(slot);
    this.slotOf.delete(owner);
    this.say(`del map ${FILES.owners} ${slot}`);
  }

  private onSlot(instanceId: string, command: (slot: string) => string): void {
    const slot = this.slotOf.get(instanceId);
    if (slot !== undefined) this.say(command(slot));
  }

  private say(command: string): void {
    this.commands.push(command);
  }
}

/** The last gate before the socket, where `;`, a newline or a backslash would begin another command. */
const hostName = (host: string): string => checked(host, HOST_PATTERN.test(host), 'host');
const ownerId = (id: string): string => checked(id, ID_PATTERN.test(id), 'id');
const address = (host: string): string => checked(host, isIP(host) !== 0, 'numeric address');
const portNumber = (port: number): string =>
  checked(String(port), Number.isInteger(port) && port > 0 && port < 65_536, 'port');

const checked = (value: string, isRight: boolean, what: string): string => {
  if (!isRight) throw new Error(`not a ${what} for the runtime API: ${JSON.stringify(value)}`);
  return value;
};
