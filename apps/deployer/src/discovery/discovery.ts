import type { ActiveApp, KnownInstance, World } from '@shiplog/domain';
import type { DomainEventUnion, RecordedCommit } from '@shiplog/events';
import type { RoundResult } from '@shiplog/reconcile';
import { addsToWhatIsThere, hostLines, TeamHosts } from './team-hosts.js';
import type { Resolvers } from './resolvers.port.js';

/** How often servers that somebody removed or stopped are looked for. */
const RESYNC_MS = 10_000;

/**
 * What changes within this time of a publication is published together: it makes the engine unpack an archive
 * in the container, and instances of a scale become ready one after the other. Names are right within a second.
 */
const TOGETHER_MS = 600;
/**
 * One more behind names that others answer to may wait as long for those that start beside it: an archive is 50 ms of
 * CPU [M], as much as a fifth of a start, and a scale of fifty takes ten seconds.
 */
const WITH_THE_NEXT_MS = 3_000;

/** Publishes where the ready instances of every team are, as soon as the log says so. */
export class Discovery {
  private readonly hosts = new TeamHosts();
  private readonly dirtyApps = new Set<string>();
  /** Teams whose file may not be published, and when it is to be. */
  private readonly dirtyTeams = new Map<string, number>();
  /** Teams of which something may have been the last that ran. */
  private readonly quietTeams = new Set<string>();
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
    const errors: unknown[] = [];
    for (const [teamId, atMs] of [...this.dirtyTeams]) {
      if (atMs > this.nowMs()) continue;
      this.nextAtMs = this.nowMs() + TOGETHER_MS;
      // What changes while it is published is published again.
      this.dirtyTeams.delete(teamId);
      try {
        await this.resolvers.publish(teamId, this.hosts.textOf(teamId) ?? '');
      } catch (error) {
        this.dirtyTeams.set(teamId, 0);
        errors.push(error);
      }
    }
    for (const teamId of [...this.quietTeams]) {
      this.quietTeams.delete(teamId);
      if (!this.isIdle(teamId)) continue;
      try {
        await this.resolvers.dismiss(teamId);
      } catch (error) {
        this.quietTeams.add(teamId);
        errors.push(error);
      }
    }
    // One team's trouble does not hold up the others.
    if (errors.length > 0) throw errors[0];
    const nextAtMs = Math.min(this.resyncAtMs, ...this.dirtyTeams.values());
    return { nextRoundInMs: Math.max(0, nextAtMs - this.nowMs()) };
  }

  /** No instance and no run of any of its apps, in whatever state, before it is stopped. */
  private isIdle(teamId: string): boolean {
    if (this.hosts.textOf(teamId) !== undefined) return false;
    return this.world
      .apps()
      .filter((app) => app.teamId === teamId)
      .every(
        ({ appId }) =>
          this.world.instancesOf(appId).length === 0 &&
          this.world.runsOf(appId).every(({ status }) => status === 'ended'),
      );
  }

  private resync(): void {
    this.resyncAtMs = this.nowMs() + RESYNC_MS;
    this.resolvers.distrust();
    for (const { appId } of this.world.apps()) this.dirtyApps.add(appId);
    this.fold();
    for (const teamId of this.hosts.teamIds()) this.dirtyTeams.set(teamId, 0);
  }

  private fold(): void {
    for (const appId of this.dirtyApps) {
      const app = this.world.app(appId);
      if (app === undefined) this.mark(this.hosts.delete(appId), 0);
      else this.foldApp(app);
    }
    this.dirtyApps.clear();
  }

  private foldApp(app: ActiveApp): void {
    const { appId, teamId } = app;
    const instances = this.world.instancesOf(appId);
    const before = this.hosts.linesOf(appId);
    const now = hostLines(app, instances);
    const mayWait = instances.some(isStarting) && addsToWhatIsThere(before, now);
    this.mark(this.hosts.set(appId, teamId, now), mayWait ? this.nowMs() + WITH_THE_NEXT_MS : 0);
    this.quietTeams.add(teamId);
  }

  /** What waits already waits no longer for what comes after it. */
  private mark(teamId: string | undefined, atMs: number): void {
    if (teamId === undefined) return;
    this.dirtyTeams.set(teamId, Math.min(atMs, this.dirtyTeams.get(teamId) ?? atMs));
  }
}

const isStarting = ({ status }: KnownInstance): boolean =>
  status === 'scheduled' || status === 'starting';

/** Events after which other instances of an app are ready, or none, or nothing of it runs. */
const MATTERS: ReadonlySet<DomainEventUnion['type']> = new Set([
  'InstanceStarted',
  'InstanceReady',
  'InstanceUnready',
  'InstanceExited',
  'InstanceRetired',
  'InstanceStopped',
  'RunEnded',
  'AppDestroyed',
]);
