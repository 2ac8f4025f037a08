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
import { BuildRequests } from './build-requests.js';
import { deciderOf, foldEvents, type StateByAggregate } from './deciders.js';
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
 * All aggregates of the platform as the log tells them, in memory: what commands are decided on and
 * what workers compare the world with. It forgets what can matter no more (stopped instances, old
 * builds and rollouts), so that it does not grow with history; the log forgets nothing.
 */
export class World {
  private entries = emptyEntries();
  private readonly commands = new KnownCommands();
  private instanceIds = new Map<string, Set<string>>();
  private rolloutIds = new Map<string, string[]>();
  private buildIds = new Map<string, string[]>();
  private tokenIds = new Map<string, string>();
  private liveByApp = new Map<string, LiveRelease>();
  /** Ports and addresses of instances that were not stopped yet. */
  private places = new Set<number | string>();
  /** The newest build requests of each app, and who made them. */
  readonly buildRequests = new BuildRequests();
  private at: Position = START;

  get position(): Position {
    return this.at;
  }

  /** The aggregate as folded so far; its initial state where nothing is known of it. */
  get<A extends Aggregate>(aggregate: A, id: string): Tracked<StateByAggregate[A]> {
    return this.entries[aggregate].get(id) ?? untouched(aggregate);
  }

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

  command(commandId: string): KnownCommand | undefined {
    return this.commands.get(commandId);
  }

  /** Instances of an app that were not stopped yet. */
  instancesOf(appId: string): KnownInstance[] {
    const ids = this.instanceIds.get(appId) ?? [];
    return [...ids].flatMap((id) => {
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
    return (this.rolloutIds.get(appId) ?? []).flatMap((id) => {
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
    this.entries[aggregate].set(id, { state, ...end });
  }

  private index(event: DomainEventUnion, id: string): void {
    switch (event.type) {
      case 'TokenCreated':
        this.tokenIds.set(event.data.hash, id);
        return;
      case 'InstanceScheduled':
        this.instanceIds.set(
          event.data.appId,
          (this.instanceIds.get(event.data.appId) ?? new Set()).add(id),
        );
        for (const place of placesOf(event.data)) this.places.add(place);
        return;
      case 'InstanceStopped':
        this.instanceIds.get(event.data.appId)?.delete(id);
        this.forgetInstance(id);
        return;
      case 'RolloutStarted':
        this.keepNewest('rollout', this.rolloutIds, event.data.appId, id, ROLLOUTS_KEPT);
        return;
      case 'RolloutCompleted':
        this.setLive(event.data.appId, event.data.generation, event.data.version);
        return;
      case 'BuildStarted':
        this.keepNewest('build', this.buildIds, event.data.appId, id, BUILDS_KEPT);
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

  private forgetInstance(id: string): void {
    const { state } = this.get('instance', id);
    if (state.status !== 'none') for (const place of placesOf(state)) this.places.delete(place);
    this.entries.instance.delete(id);
    for (const [routerId, tracked] of this.entries.router) {
      if (tracked.state.status !== 'active') continue;
      const routes = tracked.state.routes.without(id);
      this.entries.router.set(routerId, { ...tracked, state: { ...tracked.state, routes } });
    }
  }

  private keepNewest(
    aggregate: 'rollout' | 'build',
    index: Map<string, string[]>,
    appId: string,
    id: string,
    count: number,
  ): void {
    const ids = [...(index.get(appId) ?? []), id];
    const needed = new Set(this.app(appId)?.releases.map((release) => release.buildId));
    const old = ids.slice(0, -count).filter((candidate) => !needed.has(candidate));
    for (const gone of old) this.entries[aggregate].delete(gone);
    index.set(
      appId,
      ids.filter((candidate) => !old.includes(candidate)),
    );
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
      instanceIds: [...this.instanceIds].map(([appId, ids]) => [appId, [...ids]]),
      rolloutIds: [...this.rolloutIds],
      buildIds: [...this.buildIds],
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
    this.instanceIds = new Map(state.instanceIds.map(([appId, ids]) => [appId, new Set(ids)]));
    this.rolloutIds = new Map(state.rolloutIds);
    this.buildIds = new Map(state.buildIds);
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
  readonly instanceIds: readonly [string, string[]][];
  readonly rolloutIds: readonly [string, string[]][];
  readonly buildIds: readonly [string, string[]][];
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
