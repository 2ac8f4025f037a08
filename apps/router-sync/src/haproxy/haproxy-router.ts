import type { TrafficCounters } from '@shiplog/domain';
import { faultPoint, type PlatformConfig } from '@shiplog/runtime';
import { translate } from './commands.js';
import { newPorts } from './growth.js';
import { readPool, writeState } from './files.js';
import { matchesIn } from './matches.js';
import { maxconnOf, policiesIn } from './policies.js';
import { noticesIn } from './notices.js';
import { grow, workersOf } from './process.js';
import { backendsOf, readState, showServers, type KnownSlots } from './read.js';
import { HaproxyRuntime } from './runtime.js';
import {
  parseLimits,
  parseMap,
  parseServersState,
  parseSessionIds,
  parseSessions,
  type HaproxyState,
  type ServerSlot,
} from './state.js';
import { parseTraffic, underWayIn } from './traffic.js';
import { FILES } from './file-names.js';
import { portOfProxy, portProxyName } from './tcp.js';
import {
  KEEP_ALIVE_SECONDS,
  REQUEST_HEAD_SECONDS,
  SERVER_PREFIX,
  type PoolSize,
} from './render.js';
import {
  RouterError,
  type ActualEndpoint,
  type ActualRoutes,
  type RouteAction,
  type Router,
  type UnderWay,
} from '../routes/router.port.js';
import { isFree } from '../routes/listeners.js';
import { placeAt, portRoute } from '../routes/places.js';
import type { RouterPaths } from '../routes/router-paths.js';

/** Slots are read again although nobody touched them. */
const WHOLE_EVERY_MS = 60_000;
/** After a try that failed; each one has HAProxy load the whole configuration. */
const GROW_AGAIN_MS = 30_000;

/** Routes in HAProxy's maps and server slots. Everything is read back from HAProxy, nothing remembered. */
export class HaproxyRouter implements Router {
  readonly kind = 'haproxy';
  private readonly runtime: HaproxyRuntime;
  private readonly master: HaproxyRuntime;
  /** Slots that nobody touched since they were read; undefined: all are read. */
  private known: KnownSlots | undefined;
  private wholeAtMs = 0;
  /** As the last `observe` saw it, until the next change. */
  private observed: HaproxyState | undefined;
  private lastOwners: ReadonlyMap<string, string> = new Map();
  private pool: PoolSize | undefined;
  private full: { readonly reason: RouterError; readonly untilMs: number } | undefined;
  /** Do the files beside the configuration hold what HAProxy holds? */
  private isSaved = false;

  constructor(
    private readonly config: PlatformConfig,
    private readonly paths: RouterPaths,
  ) {
    this.runtime = new HaproxyRuntime(paths.admin);
    this.master = new HaproxyRuntime(paths.master);
  }

  async observe(): Promise<ActualRoutes> {
    this.observed = undefined;
    const state = await this.read();
    this.observed = state;
    // Whoever changed it last may have died before the files were written.
    if (!this.isSaved) await this.save(state);
    const backendApp = (backend: string): string => state.owners.get(backend) ?? '';
    const old = await this.oldGenerations(state);

    const endpoints = new Map<string, ActualEndpoint>();
    for (const slot of ownedSlots(state)) {
      const port = portOfProxy(slot.key);
      const owner = state.owners.get(slot.key) ?? '';
      const instanceId = port === undefined ? owner : placeAt(owner, port);
      endpoints.set(instanceId, {
        instanceId,
        appId: backendApp(slot.backend),
        host: slot.address,
        port: slot.port,
        weight: slot.weight,
        ...(slot.server.startsWith(SERVER_PREFIX.h2c) && { protocol: 'h2c' }),
        state: old.mayServe.has(slot.key) ? 'leaving' : STATE[slot.state],
        sessions: old.sessions.get(slot.key) ?? 0,
      });
    }
    const hosts = new Map([
      ...[...state.hosts].map(([host, backend]) => [host, backendApp(backend)] as const),
      ...boundPorts(state),
    ]);
    const matches = new Map(
      [...matchesIn(state)].map(([backend, match]) => [backendApp(backend), match]),
    );
    const policies = new Map(
      [...policiesIn(state)].map(([backend, id]) => [backendApp(backend), id]),
    );
    for (const backend of await this.unlimited(state)) policies.set(backendApp(backend), '');
    const notices = new Map(
      [...noticesIn(state)].map(([backend, notice]) => [backendApp(backend), notice]),
    );
    const { uses } = state;
    const emptyPools = await this.emptyPools(state);
    return { hosts, uses, endpoints, matches, notices, policies, emptyPools };
  }

  async apply(actions: readonly RouteAction[]): Promise<void> {
    if (actions.length === 0) return;
    // Nobody else writes: what was observed a moment ago still holds, and time matters here.
    let state = this.observed ?? (await this.read());
    this.observed = undefined;
    this.pool ??= await readPool(this.paths);
    let translation = translate(actions, state, this.pool);
    await this.refuseTaken(translation.grown);
    if (translation.grown !== undefined && (await this.hasGrown(translation.grown, state))) {
      state = await this.read();
      translation = translate(actions, state, this.pool);
    }
    faultPoint('router-sync/before-change');
    this.isSaved = false;
    const { known } = this;
    // Whatever fails from here on: all of it is read again.
    this.known = undefined;
    await this.runtime.change(translation.commands);
    this.known = known && withoutTouched(known, translation.commands);
    faultPoint('router-sync/after-change');
    await this.cutInOldWorkers(actions, state);
    await this.save(await this.read());
    await this.close(translation.closed ?? []);
    faultPoint('router-sync/after-write-state');
    // What has no place keeps nobody else's routes as they are.
    if (translation.grown !== undefined)
      throw (
        this.full?.reason ??
        new RouterError('router-full', 'the router has no place for so many instances')
      );
  }

  async traffic(appId: string): Promise<ReadonlyMap<string, TrafficCounters>> {
    const [text = ''] = await this.runtime.ask([`show map ${FILES.owners}`]);
    const owners = parseMap(text);
    const backend = [...owners].find(
      ([slot, id]) => id === appId && !slot.includes('/') && portOfProxy(slot) === undefined,
    )?.[0];
    if (backend === undefined) return new Map();
    const [stat = ''] = await this.runtime.ask([`show stat ${backend} 4 -1`]);
    return new Map(
      [...parseTraffic(stat)].flatMap(([server, counters]) => {
        const instanceId = owners.get(`${backend}/${server}`);
        return instanceId === undefined ? [] : [[instanceId, counters] as const];
      }),
    );
  }

  async underWay(): Promise<UnderWay> {
    const [text = ''] = await this.runtime.ask([`show map ${FILES.owners}`]);
    const owners = parseMap(text);
    const stats = await this.runtime.ask(
      backendsOf(owners).map((name) => `show stat ${name} 6 -1`),
    );
    return underWayIn(stats, owners);
  }

  /** Instance that has a place of the proxy, or had it last: `slot0001/s3`. */
  ownerOf(server: string): string | null {
    return this.lastOwners.get(server) ?? null;
  }

  /** Before HAProxy tries: it would not serve any port of a configuration of which it cannot have one. */
  private async refuseTaken(grown: PoolSize | undefined): Promise<void> {
    if (grown === undefined || this.pool === undefined || this.paths.isExternal) return;
    for (const port of newPorts(this.pool, grown)) {
      const host = this.config.routerBind ?? this.config.bind;
      if (await isFree(host, port)) continue;
      throw new RouterError('router-refused', `port ${port} is taken by another program`);
    }
  }

  /** Nobody has them any more: other programs may. */
  private async close(ports: readonly number[]): Promise<void> {
    const pool = this.pool ?? (await readPool(this.paths));
    const kept = (pool.ports ?? []).filter((port) => !ports.includes(port));
    if (kept.length === (pool.ports ?? []).length) return;
    const smaller = { ...pool, ports: kept };
    await grow(this.config, this.paths, smaller);
    this.pool = smaller;
    this.known = undefined;
  }

  /** False when there are no more places to be had now. */
  private async hasGrown(pool: PoolSize, state: HaproxyState): Promise<boolean> {
    if (this.full !== undefined && performance.now() < this.full.untilMs) return false;
    this.full = undefined;
    await writeState(this.paths, state);
    try {
      await grow(this.config, this.paths, pool);
    } catch (error) {
      if (!(error instanceof RouterError)) throw error;
      this.full = { reason: error, untilMs: performance.now() + GROW_AGAIN_MS };
      return false;
    }
    this.pool = pool;
    return true;
  }

  private async save(state: HaproxyState): Promise<void> {
    await writeState(this.paths, state);
    this.isSaved = true;
  }

  private async read(): Promise<HaproxyState> {
    const now = performance.now();
    if (this.known === undefined || now - this.wholeAtMs > WHOLE_EVERY_MS) {
      this.known = undefined;
      this.wholeAtMs = now;
    }
    const { state, known } = await readState(this.runtime, this.known);
    this.known = known;
    // Who had a place before may still be meant by a line of the access log that comes late.
    this.lastOwners = new Map([...this.lastOwners, ...state.owners]);
    return state;
  }

  /** What is under way where nothing new should go, and where an old worker may still send something. */
  private async oldGenerations(state: HaproxyState) {
    const slots = [...ownedSlots(state)].filter((slot) => slot.state !== 'ready');
    const mayServe = new Set<string>();
    const sessions = new Map<string, number>();
    if (slots.length === 0) return { mayServe, sessions };

    const answers = await this.runtime.ask(slots.map(showServerStat));
    slots.forEach((slot, i) => sessions.set(slot.key, parseSessions(answers[i] ?? '')));
    const workers = await workersOf(this.paths);
    const mayBegin = workers.currentSeconds < LAST_REQUEST_SECONDS;
    for (const pid of workers.old) {
      for (const slot of slots) {
        const there = parseServersState(await this.askWorker(pid, showServers(slot.backend)));
        const isReady = there.find(({ key }) => key === slot.key)?.state === 'ready';
        if (mayBegin && isReady) mayServe.add(slot.key);
        const more = parseSessions(await this.askWorker(pid, showServerStat(slot)));
        sessions.set(slot.key, (sessions.get(slot.key) ?? 0) + more);
      }
    }
    return { mayServe, sessions };
  }

  /** Backends whose servers have not the limit that their policy says: HAProxy forgets it with every start. */
  private async unlimited(state: HaproxyState): Promise<readonly string[]> {
    const limited = backendsOf(state.owners).filter((backend) => maxconnOf(state, backend) > 0);
    if (limited.length === 0) return [];
    const answers = await this.runtime.ask(limited.map((backend) => `show stat ${backend} 4 -1`));
    return limited.filter((backend, i) => {
      const limits = parseLimits(answers[i] ?? '');
      return limits.some((limit) => limit !== maxconnOf(state, backend));
    });
  }

  private async emptyPools(state: HaproxyState): Promise<ReadonlyMap<string, number>> {
    const inUse = new Set([
      ...state.hosts.values(),
      ...[...state.owners.keys()].filter((slot) => slot.includes('/')).map(backendOf),
    ]);
    const { ports = [] } = (this.pool ??= await readPool(this.paths));
    const owned = new Set(backendsOf(state.owners));
    const empty = [
      ...[...state.owners].filter(
        ([slot]) => !slot.includes('/') && portOfProxy(slot) === undefined && !inUse.has(slot),
      ),
      ...ports
        .filter((port) => !owned.has(portProxyName(port)))
        .map((port) => [portProxyName(port), portRoute(port)] as const),
    ];
    if (empty.length === 0) return new Map();
    const answers = await this.runtime.ask(empty.map(([slot]) => `show stat ${slot} 2 -1`));
    return new Map(empty.map(([, id], i) => [id, parseSessions(answers[i] ?? '')]));
  }

  /** A worker on its way out refuses every change of a server; single sessions it still ends. */
  private async cutInOldWorkers(
    actions: readonly RouteAction[],
    state: HaproxyState,
  ): Promise<void> {
    const cut = new Set(actions.flatMap((a) => (a.kind === 'cut' ? a.instanceId : [])));
    if (cut.size === 0) return;
    const slots = [...ownedSlots(state)].filter(({ key }) => {
      const port = portOfProxy(key);
      const owner = state.owners.get(key) ?? '';
      return cut.has(port === undefined ? owner : placeAt(owner, port));
    });
    for (const pid of (await workersOf(this.paths)).old) {
      const sessions = await this.askWorker(pid, 'show sess');
      for (const { backend, server } of slots) {
        for (const id of parseSessionIds(sessions, backend, server)) {
          await this.askWorker(pid, `shutdown session ${id}`);
        }
      }
    }
  }

  private askWorker(pid: number, command: string): Promise<string> {
    return this.master.askMaster(`@!${pid} ${command}`);
  }
}

/**
 * A connection that a client kept open may bring one more request to an old worker until it times out
 * (`timeout http-keep-alive`, then `timeout http-request`); later, nothing begins there.
 */
const LAST_REQUEST_SECONDS = KEEP_ALIVE_SECONDS + REQUEST_HEAD_SECONDS + 5;

const STATE = { ready: 'serving', drain: 'draining', maint: 'out' } as const;

/** Ports that lead to an app, among the hosts. */
const boundPorts = ({ owners }: HaproxyState): (readonly [string, string])[] =>
  [...owners].flatMap(([slot, appId]) => {
    const port = slot.includes('/') ? undefined : portOfProxy(slot);
    return port === undefined ? [] : [[portRoute(port), appId] as const];
  });

/** Places are named in commands as `slot0001/s3`, or as `slot0001` alone. */
const withoutTouched = (known: KnownSlots, commands: readonly string[]): KnownSlots => {
  const touched = new Set(
    commands.flatMap((command) => command.match(/\b(?:slot|tcp)\d+\b/g) ?? []),
  );
  const byBackend = new Map([...known.byBackend].filter(([backend]) => !touched.has(backend)));
  return { ...known, byBackend, touched: [...new Set([...known.touched, ...touched])] };
};

const showServerStat = (slot: ServerSlot): string => `show stat ${slot.backend} 4 ${slot.serverId}`;
const backendOf = (slot: string): string => slot.slice(0, slot.indexOf('/'));
const ownedSlots = (state: HaproxyState): Iterable<ServerSlot> => state.servers.values();
