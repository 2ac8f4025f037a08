import {
  AGGREGATES,
  EMPTY,
  START,
  aggregateOf,
  idOf,
  type Aggregate,
  type DomainEventUnion,
  type Position,
  type RecordedCommit,
  type Revision,
} from '@shiplog/events';
import type { ActiveApp, Release } from './app/index.js';
import { AppParts, type PartKind } from './app-parts.js';
import { BuildRequests } from './build-requests.js';
import { deciderOf, foldEvents, type StateByAggregate } from './deciders.js';
import { DestroyedApps } from './destroyed-apps.js';
import type { KnownInstance } from './instance/index.js';
import type { RouteState } from './facts/router.js';
import { KnownCommands, type KnownCommand } from './known-commands.js';
import { rolloutIdOf, type RolloutState } from './rollout/index.js';
import { ShardedMap } from './sharded-map.js';

/** The state of one aggregate, and where its stream ended when it was folded. */
export interface Tracked<State> {
  readonly state: State;
  readonly revision: Revision;
  /** Events folded so far. */
  readonly version: number;
  /** Hash of its last commit; null before the first. */
  readonly hash: string | null;
}

/** What an app is on its way to, and what serves meanwhile. */
export interface Deployment {
  readonly app: ActiveApp;
  /** The generation that serves: the newest one whose rollout completed. */
  readonly live: { readonly generation: number; readonly release: Release } | null;
  /** The generation to bring live; null when the newest one is live, failed or was cancelled. */
  readonly target: {
    readonly generation: number;
    readonly release: Release;
    readonly rolloutId: string;
  } | null;
}

interface LiveRelease {
  readonly generation: number;
  readonly release: Release;
}

const ROLLOUTS_KEPT = 30;
/** More than an app keeps open (libs/domain/src/app/state.ts): a forgotten build would look new. */
const BUILDS_KEPT = 60;
/** Days whose audit stream is written to, at midnight and by clocks that differ; the others are only read. */
const AUDIT_DAYS_KEPT = 3;
/**
 * Not worth an entry: it is as if it had never been (a name that was given back; what came after a build was
 * forgotten), or kept elsewhere.
 */
const OVER: ReadonlySet<string> = new Set(['none', 'free', 'destroyed']);

/**
 * All aggregates of the platform as the log tells them, in memory: what commands are decided on and
 * what workers compare the world with. It forgets what can matter no more (stopped instances, old
 * builds and rollouts, all of a destroyed app but whose it was), so that it does not grow with history; the
 * log forgets nothing. Whoever decides on what was forgotten loses the append, and decides on the log.
 */
export class World {
  private entries = emptyEntries();
  private readonly commands = new KnownCommands();
  private readonly parts = new AppParts();
  private tokenIds = new Map<string, string>();
  private liveByApp = new Map<string, LiveRelease>();
  /** Ports and addresses of instances that were not stopped yet. */
  private places = new Set<number | string>();
  /** The newest build requests of each app, and who made them. */
  readonly buildRequests = new BuildRequests();
  readonly destroyedApps = new DestroyedApps();
  private at: Position = START;

  get position(): Position {
    return this.at;
  }

  /** The aggregate as folded so far; its initial state where nothing is known of it. */
  get<A extends Aggregate>(aggregate: A, id: string): Tracked<StateByAggregate[A]> {
    const known = this.entries[aggregate].get(id);
    if (known !== undefined) return known;
    const destroyed = aggregate === 'app' ? this.destroyedApps.get(id) : undefined;
    return (destroyed as Tracked<StateByAggregate[A]> | undefined) ?? untouched(aggregate);
  }

  /** Those that were not forgotten; of apps the ones that exist. */
  all<A extends Aggregate>(aggregate: A): Iterable<StateByAggregate[A]> {
    return [...this.entries[aggregate].values()].map((tracked) => tracked.state);
  }

  app(appId: string): ActiveApp | undefined {
    const { state } = this.get('app', appId);
    return state.status === 'active' ? state : undefined;
  }

  apps(): ActiveApp[] {
    return [...this.all('app')].filter((state) => state.status === 'active');
  }

  appByName(name: string): ActiveApp | undefined {
    const { state } = this.get('name', name);
    return state.status === 'reserved' ? this.app(state.appId) : undefined;
  }

  tokenByHash(hash: string): StateByAggregate['token'] {
    const tokenId = this.tokenIds.get(hash);
    return tokenId === undefined ? { status: 'none' } : this.get('token', tokenId).state;
  }

  /** Is it an app of this log, be it destroyed? */
  knowsApp(appId: string): boolean {
    return this.get('app', appId).state.status !== 'none';
  }

  command(commandId: string): KnownCommand | undefined {
    return this.commands.get(commandId);
  }

  /** Instances of an app that were not stopped yet. */
  instancesOf(appId: string): KnownInstance[] {
    return this.parts.of('instance', appId).flatMap((id) => {
      const { state } = this.get('instance', id);
      return state.status === 'none' ? [] : [state];
    });
  }

  /** Instances of all apps, those of destroyed apps too. */
  instances(): KnownInstance[] {
    return [...this.all('instance')].filter((state) => state.status !== 'none');
  }

  /** How many `instances` gives, without making them. */
  get instanceCount(): number {
    return this.entries.instance.size;
  }

  /** Does an instance have that port or address? */
  holds(place: number | string): boolean {
    return this.places.has(place);
  }

  /** The newest rollouts of an app, oldest first. */
  rolloutsOf(appId: string): Exclude<RolloutState, { status: 'none' }>[] {
    return this.parts.of('rollout', appId).flatMap((id) => {
      const { state } = this.get('rollout', id);
      return state.status === 'none' ? [] : [state];
    });
  }

  /** What serves now, also when the app is stopped. */
  liveOf(appId: string): LiveRelease | null {
    return this.liveByApp.get(appId) ?? null;
  }

  deployment(appId: string): Deployment | undefined {
    const app = this.app(appId);
    if (app === undefined) return undefined;
    const live = this.liveOf(appId);
    if (app.generation === 0 || live?.generation === app.generation)
      return { app, live, target: null };

    const rolloutId = rolloutIdOf(appId, app.generation);
    const { status } = this.get('rollout', rolloutId).state;
    const release = app.releases.find(({ version }) => version === app.generationVersion);
    const isOver = status === 'failed' || status === 'cancelled' || release === undefined;
    return {
      app,
      live,
      target: isOver ? null : { generation: app.generation, release, rolloutId },
    };
  }

  /** Routers that have to confirm a step: the ones that were started and not removed. */
  routers(): Extract<StateByAggregate['router'], { status: 'active' }>[] {
    return [...this.all('router')].filter((state) => state.status === 'active');
  }

  apply(record: RecordedCommit): void {
    const { commit, position, revision, hash } = record;
    const aggregate = aggregateOf(commit.stream);
    const id = idOf(commit.stream);
    this.evolve(aggregate, id, commit.events, { revision, hash, version: commit.to });
    for (const event of commit.events) {
      this.index(event, id);
      this.buildRequests.apply(event, commit, position);
    }
    if (aggregate === 'audit') this.forgetAuditDays();
    this.commands.apply(commit, position);
    this.at = position;
  }

  private evolve<A extends Aggregate>(
    aggregate: A,
    id: string,
    events: readonly DomainEventUnion[],
    end: { revision: Revision; hash: string; version: number },
  ): void {
    const state = foldEvents(aggregate, this.get(aggregate, id).state, events);
    // It says where it was; once it is forgotten nobody knows.
    if (state.status === 'stopped') for (const place of placesOf(state)) this.places.delete(place);
    if (state.status === 'destroyed') this.destroyedApps.add(state, end);
    if (OVER.has(state.status)) this.entries[aggregate].delete(id);
    else this.entries[aggregate].set(id, { state, ...end });
  }

  private index(event: DomainEventUnion, id: string): void {
    switch (event.type) {
      case 'TokenCreated':
        this.tokenIds.set(event.data.hash, id);
        return;
      case 'AppDestroyed':
        this.forgetApp(event.data.appId);
        return;
      case 'InstanceScheduled':
        this.parts.add('instance', event.data.appId, id);
        for (const place of placesOf(event.data)) this.places.add(place);
        return;
      case 'InstanceStopped':
        this.forget('instance', event.data.appId, id);
        this.forgetRoutes(id);
        return;
      case 'RolloutStarted':
        this.keepNewest('rollout', event.data.appId, id, ROLLOUTS_KEPT);
        return;
      case 'RolloutCompleted':
        this.setLive(event.data.appId, event.data.generation, event.data.version);
        this.forgetOfDestroyed('rollout', event.data.appId, id);
        return;
      case 'RolloutFailed':
      case 'RolloutCancelled':
        this.forgetOfDestroyed('rollout', event.data.appId, id);
        return;
      case 'BuildStarted':
        this.keepNewest('build', event.data.appId, id, BUILDS_KEPT);
        return;
      case 'BuildSucceeded':
      case 'BuildFailed':
      case 'BuildCancelled':
        this.forgetOfDestroyed('build', event.data.appId, id);
        return;
      default:
        return;
    }
  }

  private setLive(appId: string, generation: number, version: number): void {
    const release = this.app(appId)?.releases.find((candidate) => candidate.version === version);
    if (release !== undefined) this.liveByApp.set(appId, { generation, release });
  }

  /** Their ids are dates. Whoever appends to a forgotten one loses, and reads it from the log. */
  private forgetAuditDays(): void {
    const { audit } = this.entries;
    const old = [...audit.keys()].toSorted().slice(0, -AUDIT_DAYS_KEPT);
    for (const day of old) audit.delete(day);
  }

  private forgetRoutes(instanceId: string): void {
    for (const [routerId, tracked] of this.entries.router) {
      if (tracked.state.status !== 'active') continue;
      const routes = tracked.state.routes.without(instanceId);
      this.entries.router.set(routerId, { ...tracked, state: { ...tracked.state, routes } });
    }
  }

  private keepNewest(kind: 'rollout' | 'build', appId: string, id: string, count: number): void {
    this.parts.add(kind, appId, id);
    const needed = new Set(this.app(appId)?.releases.map((release) => release.buildId));
    for (const old of this.parts.of(kind, appId).slice(0, -count))
      if (!needed.has(old)) this.forget(kind, appId, old);
  }

  /** What still runs of it is forgotten when it ends: its worker has to end it first. */
  private forgetApp(appId: string): void {
    this.liveByApp.delete(appId);
    for (const kind of ['rollout', 'build'] as const)
      for (const id of this.parts.of(kind, appId))
        if (this.get(kind, id).state.status !== 'running') this.forget(kind, appId, id);
  }

  private forgetOfDestroyed(kind: PartKind, appId: string, id: string): void {
    if (this.destroyedApps.has(appId)) this.forget(kind, appId, id);
  }

  private forget(kind: PartKind, appId: string, id: string): void {
    this.entries[kind].delete(id);
    this.parts.remove(kind, appId, id);
  }

  /** The world as a JSON value, for a disposable snapshot. */
  snapshot(): WorldSnapshot {
    return {
      at: this.at,
      entries: Object.fromEntries(
        AGGREGATES.map((a) => [a, [...this.entries[a]]]),
      ) as unknown as WorldSnapshot['entries'],
      routes: this.routers().map(({ routerId, routes }) => [routerId, routes.entries()]),
      commands: this.commands.snapshot(),
      parts: this.parts.snapshot(),
      destroyedApps: this.destroyedApps.snapshot(),
      tokenIds: [...this.tokenIds],
      liveByApp: [...this.liveByApp],
      buildRequests: this.buildRequests.snapshot(),
    };
  }

  /** Only for what `snapshot` of the same code made. */
  restore(value: unknown): void {
    const state = value as WorldSnapshot;
    this.at = state.at;
    this.entries = Object.fromEntries(
      AGGREGATES.map((a) => [a, new Map(state.entries[a] as never)]),
    ) as unknown as Entries;
    for (const [id, routes] of state.routes) this.restoreRoutes(id, routes);
    this.commands.restore(state.commands);
    this.places = new Set(this.instances().flatMap(placesOf));
    this.parts.restore(state.parts);
    this.destroyedApps.restore(state.destroyedApps);
    this.tokenIds = new Map(state.tokenIds);
    this.liveByApp = new Map(state.liveByApp);
    this.buildRequests.restore(state.buildRequests);
  }

  /** What JSON cannot hold of a router. */
  private restoreRoutes(id: string, entries: [string, RouteState][]): void {
    const tracked = this.get('router', id);
    if (tracked.state.status !== 'active') return;
    const state = { ...tracked.state, routes: ShardedMap.of(entries) };
    this.entries.router.set(id, { ...tracked, state });
  }
}

const placesOf = ({
  port,
  address,
}: Pick<KnownInstance, 'port' | 'address'>): readonly (number | string)[] =>
  [port, address].filter((place) => place != null);

type Entries = { [A in Aggregate]: Map<string, Tracked<StateByAggregate[A]>> };

interface WorldSnapshot {
  readonly at: Position;
  readonly entries: Record<Aggregate, readonly unknown[]>;
  readonly routes: readonly [string, [string, RouteState][]][];
  readonly commands: ReturnType<KnownCommands['snapshot']>;
  readonly parts: ReturnType<AppParts['snapshot']>;
  readonly destroyedApps: ReturnType<DestroyedApps['snapshot']>;
  readonly tokenIds: readonly [string, string][];
  readonly liveByApp: readonly [string, LiveRelease][];
  readonly buildRequests: ReturnType<BuildRequests['snapshot']>;
}

const emptyEntries = (): Entries =>
  Object.fromEntries(AGGREGATES.map((aggregate) => [aggregate, new Map()])) as unknown as Entries;

const untouched = <A extends Aggregate>(aggregate: A): Tracked<StateByAggregate[A]> => ({
  state: deciderOf(aggregate).initialState,
  revision: EMPTY,
  version: 0,
  hash: null,
});
