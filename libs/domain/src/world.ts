import {
  AGGREGATES,
  aggregateOf,
  idOf,
  type Aggregate,
  type DomainEventUnion,
  type Position,
  type RecordedCommit,
  type Revision,
} from '@shiplog/events';
import type { AppParts, PartKind } from './app-parts.js';
import type { BuildRequests } from './build-requests.js';
import { foldEvents } from './deciders.js';
import type { DestroyedApps } from './destroyed-apps.js';
import type { KnownInstance } from './instance/index.js';
import type { RouteState } from './facts/router.js';
import type { KnownCommands } from './known-commands.js';
import { KnownWorld, type Entries, type LiveRelease } from './known-world.js';
import type { LeftVolumes } from './left-volumes.js';
import type { Resizes } from './resizes.js';
import type { RunIndex, RunIndexEvent } from './run/run-index.js';
import { ShardedMap } from './sharded-map.js';

const ROLLOUTS_KEPT = 30;
/** More than an app keeps open (libs/domain/src/app/state.ts): a forgotten build would look new. */
const BUILDS_KEPT = 60;
/** Days whose audit stream is written to, at midnight and by clocks that differ; the others are only read. */
const AUDIT_DAYS_KEPT = 3;
/**
 * Not worth an entry: it is as if it had never been (a name that was given back; what came after a build was
 * forgotten), or kept elsewhere.
 */
const OVER: ReadonlySet<string> = new Set(['none', 'free', 'destroyed', 'deleted']);

/**
 * All aggregates of the platform as the log tells them, in memory: what commands are decided on and
 * what workers compare the world with. It forgets what can matter no more (stopped instances, old
 * builds and rollouts, all of a destroyed app but whose it was), so that it does not grow with history; the
 * log forgets nothing. Whoever decides on what was forgotten loses the append, and decides on the log.
 */
export class World extends KnownWorld {
  apply(record: RecordedCommit): void {
    const { commit, position, revision, hash } = record;
    const aggregate = aggregateOf(commit.stream);
    const id = idOf(commit.stream);
    const before = aggregate === 'app' ? this.app(id) : undefined;
    const wasMade = (volumeId: string): boolean =>
      this.get('volume', volumeId).state.status !== 'none';
    this.evolve(aggregate, id, commit.events, { revision, hash, version: commit.to });
    for (const event of commit.events) {
      this.index(event, id);
      this.leftVolumes.apply(event, before, wasMade);
      this.buildRequests.apply(event, commit, position);
    }
    const after = before === undefined ? undefined : this.app(id);
    if (before !== undefined && after !== undefined) {
      this.resizes.changed(before, after, () => this.instancesOf(id));
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
        return this.forgetRuns(event);
      case 'InstanceScheduled':
        this.parts.add('instance', event.data.appId, id);
        for (const place of placesOf(event.data)) this.places.add(place);
        return;
      case 'InstanceResized':
        this.resizes.done(id);
        return;
      case 'InstanceReady':
        return this.expectRoutes(id);
      case 'InstanceStopped':
        this.resizes.done(id);
        this.forget('instance', event.data.appId, id);
        this.forgetRoutes(id);
        return;
      case 'RunScheduled':
      case 'RunEnded':
      case 'CronJobRemoved':
        return this.forgetRuns(event);
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

  private forgetRuns(event: RunIndexEvent): void {
    const forgotten = this.runIndex.apply(event, (runId) => this.run(runId));
    for (const runId of forgotten) this.entries.run.delete(runId);
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

  /** A router that had let go of it may send to it again from now on, and says so a little later. */
  private expectRoutes(instanceId: string): void {
    for (const [routerId, { state, ...end }] of this.entries.router) {
      if (state.status !== 'active' || !isLetGo(state.routes.get(instanceId))) continue;
      const routes = state.routes.with(instanceId, 'returning');
      this.entries.router.set(routerId, { ...end, state: { ...state, routes } });
    }
  }

  private forgetRoutes(instanceId: string): void {
    for (const [routerId, tracked] of this.entries.router) {
      if (tracked.state.status !== 'active') continue;
      const routes = tracked.state.routes.without(instanceId);
      const weights = tracked.state.weights.without(instanceId);
      this.entries.router.set(routerId, {
        ...tracked,
        state: { ...tracked.state, routes, weights },
      });
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
    this.entries.freeze.delete(appId);
    this.entries.https.delete(appId);
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
      routes: this.routers().map(({ routerId, routes, weights }) => [
        routerId,
        routes.entries(),
        weights.entries(),
      ]),
      commands: this.commands.snapshot(),
      parts: this.parts.snapshot(),
      destroyedApps: this.destroyedApps.snapshot(),
      tokenIds: [...this.tokenIds],
      runs: this.runIndex.snapshot(),
      liveByApp: [...this.liveByApp],
      buildRequests: this.buildRequests.snapshot(),
      resizes: this.resizes.snapshot(),
      leftVolumes: this.leftVolumes.snapshot(),
    };
  }

  /** Only for what `snapshot` of the same code made. */
  restore(value: unknown): void {
    const state = value as WorldSnapshot;
    this.at = state.at;
    this.entries = Object.fromEntries(
      AGGREGATES.map((a) => [a, new Map(state.entries[a] as never)]),
    ) as unknown as Entries;
    for (const routes of state.routes) this.restoreRoutes(...routes);
    this.commands.restore(state.commands);
    this.places = new Set(this.instances().flatMap(placesOf));
    this.parts.restore(state.parts);
    this.destroyedApps.restore(state.destroyedApps);
    this.tokenIds = new Map(state.tokenIds);
    this.runIndex.restore(state.runs);
    this.liveByApp = new Map(state.liveByApp);
    this.buildRequests.restore(state.buildRequests);
    this.resizes.restore(state.resizes);
    this.leftVolumes.restore(state.leftVolumes);
  }

  /** What JSON cannot hold of a router. */
  private restoreRoutes(
    id: string,
    routes: [string, RouteState][],
    weights: [string, number][],
  ): void {
    const tracked = this.get('router', id);
    if (tracked.state.status !== 'active') return;
    const state = {
      ...tracked.state,
      routes: ShardedMap.of(routes),
      weights: ShardedMap.of(weights),
    };
    this.entries.router.set(id, { ...tracked, state });
  }
}

const isLetGo = (route: RouteState | undefined): boolean =>
  route === 'unrouted' || route === 'drained';

const placesOf = ({
  port,
  address,
}: Pick<KnownInstance, 'port' | 'address'>): readonly (number | string)[] =>
  [port, address].filter((place) => place != null);

interface WorldSnapshot {
  readonly at: Position;
  readonly entries: Record<Aggregate, readonly unknown[]>;
  readonly routes: readonly [string, [string, RouteState][], [string, number][]][];
  readonly commands: ReturnType<KnownCommands['snapshot']>;
  readonly parts: ReturnType<AppParts['snapshot']>;
  readonly destroyedApps: ReturnType<DestroyedApps['snapshot']>;
  readonly tokenIds: readonly [string, string][];
  readonly runs: ReturnType<RunIndex['snapshot']>;
  readonly liveByApp: readonly [string, LiveRelease][];
  readonly buildRequests: ReturnType<BuildRequests['snapshot']>;
  readonly resizes: ReturnType<Resizes['snapshot']>;
  readonly leftVolumes: ReturnType<LeftVolumes['snapshot']>;
}
