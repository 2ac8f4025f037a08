import {
  AGGREGATES,
  EMPTY,
  START,
  type Aggregate,
  type Position,
  type Revision,
} from '@shiplog/events';
import type { ActiveApp, Release } from './app/index.js';
import { AppParts } from './app-parts.js';
import { BuildRequests } from './build-requests.js';
import { deciderOf, type StateByAggregate } from './deciders.js';
import { DestroyedApps } from './destroyed-apps.js';
import type { KnownInstance } from './instance/index.js';
import { KnownCommands, type KnownCommand } from './known-commands.js';
import { LeftVolumes } from './left-volumes.js';
import { Resizes } from './resizes.js';
import { rolloutIdOf, type RolloutState } from './rollout/index.js';
import type { KnownRun } from './run/index.js';
import { RunIndex } from './run/run-index.js';

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

export interface LiveRelease {
  readonly generation: number;
  readonly release: Release;
}

/** What is known of all aggregates, as far as it was folded: the answers of a `World`. */
export abstract class KnownWorld {
  protected entries = emptyEntries();
  protected readonly commands = new KnownCommands();
  protected readonly parts = new AppParts();
  protected tokenIds = new Map<string, string>();
  protected readonly runIndex = new RunIndex();
  protected liveByApp = new Map<string, LiveRelease>();
  protected readonly resizes = new Resizes();
  /** Volumes that outlived their app, or are to be deleted. */
  readonly leftVolumes = new LeftVolumes();
  /** Ports and addresses of instances that were not stopped yet. */
  protected places = new Set<number | string>();
  /** The newest build requests of each app, and who made them. */
  readonly buildRequests = new BuildRequests();
  readonly destroyedApps = new DestroyedApps();
  protected at: Position = START;

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

  /** Was it made with other limits than it is to have by now? The log says when it has them. */
  isResizing(instanceId: string): boolean {
    return this.resizes.isOpen(instanceId);
  }

  /** Instances of all apps, those of destroyed apps too. */
  instances(): KnownInstance[] {
    return [...this.all('instance')].filter((state) => state.status !== 'none');
  }

  /** Runs of an app that are open, and the newest of each kind that ended: see `RunIndex`. */
  runsOf(appId: string): KnownRun[] {
    return this.runIndex.of(appId).flatMap((runId) => this.run(runId) ?? []);
  }

  run(runId: string): KnownRun | undefined {
    const { state } = this.get('run', runId);
    return state.status === 'none' ? undefined : state;
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
}

export type Entries = { [A in Aggregate]: Map<string, Tracked<StateByAggregate[A]>> };

const emptyEntries = (): Entries =>
  Object.fromEntries(AGGREGATES.map((aggregate) => [aggregate, new Map()])) as unknown as Entries;

const untouched = <A extends Aggregate>(aggregate: A): Tracked<StateByAggregate[A]> => ({
  state: deciderOf(aggregate).initialState,
  revision: EMPTY,
  version: 0,
  hash: null,
});
