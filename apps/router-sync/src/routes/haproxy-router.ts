import type { PlatformConfig } from '@shiplog/runtime';
import { translate } from './haproxy-commands.js';
import { readPool, writeState } from './haproxy-files.js';
import { grow, oldWorkers } from './haproxy-process.js';
import { HaproxyRuntime } from './haproxy-runtime.js';
import {
  parseMap,
  parseServersState,
  parseSessions,
  type HaproxyState,
  type ServerSlot,
} from './haproxy-state.js';
import { FILES } from './render-haproxy.js';
import {
  RouterError,
  type ActualEndpoint,
  type ActualRoutes,
  type RouteAction,
  type Router,
} from './router.port.js';
import type { RouterPaths } from './router-paths.js';

const SHOW_MAPS = [`show map ${FILES.hosts}`, `show map ${FILES.owners}`] as const;

/** Routes in HAProxy's maps and server slots. Everything is read back from HAProxy, nothing remembered. */
export class HaproxyRouter implements Router {
  readonly kind = 'haproxy';
  private readonly runtime: HaproxyRuntime;
  private readonly master: HaproxyRuntime;
  /** Backends that are worth asking for together with the maps; a guess that saves a round trip. */
  private likelyBackends: readonly string[] = [];

  constructor(
    private readonly config: PlatformConfig,
    private readonly paths: RouterPaths,
  ) {
    this.runtime = new HaproxyRuntime(paths.admin);
    this.master = new HaproxyRuntime(paths.master);
  }

  async observe(): Promise<ActualRoutes> {
    const state = await this.read();
    const backendApp = (backend: string): string => state.owners.get(backend) ?? '';
    const old = await this.oldGenerations(state);

    const endpoints = new Map<string, ActualEndpoint>();
    for (const slot of ownedSlots(state)) {
      const instanceId = state.owners.get(slot.key) ?? '';
      endpoints.set(instanceId, {
        instanceId,
        appId: backendApp(slot.backend),
        host: slot.address,
        port: slot.port,
        state: old.serving.has(slot.key) ? 'serving' : STATE[slot.state],
        sessions: old.sessions.get(slot.key) ?? 0,
      });
    }
    const hosts = new Map([...state.hosts].map(([host, backend]) => [host, backendApp(backend)]));
    return { hosts, endpoints, emptyPools: await this.emptyPools(state) };
  }

  async apply(actions: readonly RouteAction[]): Promise<void> {
    if (actions.length === 0) return;
    let state = await this.read();
    let translation = translate(actions, state, await readPool(this.paths));
    for (let i = 0; translation.outcome === 'grow'; i += 1) {
      if (i > 8)
        throw new RouterError('router-full', 'the router has no place for so many instances');
      await writeState(this.paths, state);
      await grow(this.config, this.paths, translation.pool);
      state = await this.read();
      translation = translate(actions, state, await readPool(this.paths));
    }
    await this.runtime.change(translation.commands);
    await this.tellOldWorkers(translation.commands);
    await writeState(this.paths, await this.read());
  }

  private async read(): Promise<HaproxyState> {
    const guess = this.likelyBackends;
    const answers = await this.runtime.ask([...SHOW_MAPS, ...guess.map(showServers)]);
    const [hosts = '', owners = '', ...states] = answers;
    const state = { hosts: parseMap(hosts), owners: parseMap(owners) };
    const claimed = [...state.owners.keys()].filter((slot) => !slot.includes('/'));
    const missing = claimed.filter((backend) => !guess.includes(backend));
    this.likelyBackends = claimed;
    states.push(...(await this.runtime.ask(missing.map(showServers))));
    const servers = new Map<string, ServerSlot>();
    for (const slot of states.flatMap(parseServersState)) {
      if (state.owners.has(slot.key)) servers.set(slot.key, slot);
    }
    return { ...state, servers };
  }

  /** What is under way where nothing new should go; workers that are on their way out count, too. */
  private async oldGenerations(state: HaproxyState) {
    const slots = [...ownedSlots(state)].filter((slot) => slot.state !== 'ready');
    const serving = new Set<string>();
    const sessions = new Map<string, number>();
    if (slots.length === 0) return { serving, sessions };

    const answers = await this.runtime.ask(slots.map(showServerStat));
    slots.forEach((slot, i) => sessions.set(slot.key, parseSessions(answers[i] ?? '')));
    for (const pid of await oldWorkers(this.paths)) {
      for (const slot of slots) {
        const there = parseServersState(await this.askWorker(pid, showServers(slot.backend)));
        if (there.find(({ key }) => key === slot.key)?.state === 'ready') serving.add(slot.key);
        const more = parseSessions(await this.askWorker(pid, showServerStat(slot)));
        sessions.set(slot.key, (sessions.get(slot.key) ?? 0) + more);
      }
    }
    return { serving, sessions };
  }

  private async emptyPools(state: HaproxyState): Promise<ReadonlyMap<string, number>> {
    const inUse = new Set([
      ...state.hosts.values(),
      ...[...state.owners.keys()].filter((slot) => slot.includes('/')).map(backendOf),
    ]);
    const empty = [...state.owners].filter(([slot]) => !slot.includes('/') && !inUse.has(slot));
    if (empty.length === 0) return new Map();
    const answers = await this.runtime.ask(empty.map(([slot]) => `show stat ${slot} 2 -1`));
    return new Map(empty.map(([, appId], i) => [appId, parseSessions(answers[i] ?? '')]));
  }

  /**
   * A worker on its way out still answers on connections that clients kept open. What it cannot do
   * (a place that it does not have) it need not do: it takes no new clients.
   */
  private async tellOldWorkers(commands: readonly string[]): Promise<void> {
    for (const pid of await oldWorkers(this.paths)) {
      for (const command of commands) await this.askWorker(pid, command);
    }
  }

  private askWorker(pid: number, command: string): Promise<string> {
    return this.master.askMaster(`@!${pid} ${command}`);
  }
}

const STATE = { ready: 'serving', drain: 'draining', maint: 'out' } as const;

const showServers = (backend: string): string => `show servers state ${backend}`;
const showServerStat = (slot: ServerSlot): string => `show stat ${slot.backend} 4 ${slot.serverId}`;
const backendOf = (slot: string): string => slot.slice(0, slot.indexOf('/'));
const ownedSlots = (state: HaproxyState): Iterable<ServerSlot> => state.servers.values();
