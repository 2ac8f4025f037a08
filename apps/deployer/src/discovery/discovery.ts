import type { World } from '@shiplog/domain';
import type { DomainEventUnion, RecordedCommit } from '@shiplog/events';
import type { RoundResult } from '@shiplog/reconcile';
import { hostLines, TeamHosts } from './team-hosts.js';
import type { Resolvers } from './resolvers.port.js';

/** How often servers that somebody removed or stopped are looked for. */
const RESYNC_MS = 10_000;

/**
 * What changes within this time of a publication is published together: it makes the engine unpack an archive
 * in the container, and instances of a scale become ready one after the other. Names are right within a second.
 */
const TOGETHER_MS = 600;

/** Publishes where the ready instances of every team are, as soon as the log says so. */
export class Discovery {
  private readonly hosts = new TeamHosts();
  private readonly dirtyApps = new Set<string>();
  /** Teams whose file may not be published. */
  private readonly dirtyTeams = new Set<string>();
  private resyncAtMs = 0;
  private nextAtMs = 0;

  constructor(
    private readonly world: World,
    private readonly resolvers: Resolvers,
    private readonly nowMs: () => number = Date.now,
  ) {}

  /** What the log says about which apps changed. */
  take(batch: readonly RecordedCommit[]): void {
    for (const { commit } of batch)
      for (const event of commit.events)
        if (MATTERS.has(event.type) && 'appId' in event.data && event.data.appId !== null)
          this.dirtyApps.add(event.data.appId);
  }

  get isDirty(): boolean {
    return this.dirtyApps.size > 0;
  }

  async round(): Promise<RoundResult> {
    if (this.nowMs() >= this.resyncAtMs) this.resync();
    else if (this.nowMs() < this.nextAtMs) return { nextRoundInMs: this.nextAtMs - this.nowMs() };
    this.fold();
    if (this.dirtyTeams.size > 0) this.nextAtMs = this.nowMs() + TOGETHER_MS;
    const errors: unknown[] = [];
    for (const teamId of [...this.dirtyTeams]) {
      // What changes while it is published is published again.
      this.dirtyTeams.delete(teamId);
      try {
        await this.resolvers.publish(teamId, this.hosts.textOf(teamId) ?? '');
      } catch (error) {
        this.dirtyTeams.add(teamId);
        errors.push(error);
      }
    }
    // One team's trouble does not hold up the others.
    if (errors.length > 0) throw errors[0];
    return { nextRoundInMs: Math.max(0, this.resyncAtMs - this.nowMs()) };
  }

  private resync(): void {
    this.resyncAtMs = this.nowMs() + RESYNC_MS;
    this.resolvers.distrust();
    for (const { appId } of this.world.apps()) this.dirtyApps.add(appId);
    this.fold();
    for (const teamId of this.hosts.teamIds()) this.dirtyTeams.add(teamId);
  }

  private fold(): void {
    for (const appId of this.dirtyApps) {
      const app = this.world.app(appId);
      const changed =
        app === undefined
          ? this.hosts.delete(appId)
          : this.hosts.set(appId, app.teamId, hostLines(app, this.world.instancesOf(appId)));
      if (changed !== undefined) this.dirtyTeams.add(changed);
    }
    this.dirtyApps.clear();
  }
}

/** Events after which other instances of an app are ready, or none. */
const MATTERS: ReadonlySet<DomainEventUnion['type']> = new Set([
  'InstanceStarted',
  'InstanceReady',
  'InstanceUnready',
  'InstanceExited',
  'InstanceRetired',
  'InstanceStopped',
  'AppDestroyed',
]);
