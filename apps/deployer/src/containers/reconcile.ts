import { setImmediate } from 'node:timers/promises';
import { aggregateOf, idOf, type RecordedCommit } from '@shiplog/events';
import type { World } from '@shiplog/domain';
import type { RoundResult } from '@shiplog/reconcile';
import { wantedWatches } from '../health/wanted.js';
import { Watcher } from '../health/watcher.js';
import { apply } from './apply.js';
import { boundRemoval } from './bounded-removal.js';
import { watchEvents } from './health-steps.js';
import { planApp, type PlannedApp } from './plan-app.js';
import { judgeStrangers } from './strangers.js';
import { touchedBy } from './touched-by.js';
import type { Workbench } from './workbench.js';

/** Everything is planned again at least this often, whatever was noticed. */
const RESYNC_MS = 10_000;
/** Planned in one go: some milliseconds. */
const APPS_AT_ONCE = 50;

/** Observe, plan, apply; and what is remembered between two rounds to keep them cheap. */
export class Reconciliation {
  /** When time alone makes a difference for an app. */
  private readonly dueMs = new Map<string, number>();
  private resyncAtMs = 0;
  private refusal = '';
  /** Asks what runs whether it is ready and lives. */
  private readonly watcher: Watcher;

  constructor(private readonly bench: Workbench) {
    const { askCheck: ask, nowMs, later, random, abort } = bench;
    this.watcher = new Watcher(watchEvents(bench), { ask, nowMs, later, random });
    abort.signal.addEventListener('abort', () => this.watcher.close());
  }

  /** Every app is planned in the next round. */
  resync(): void {
    this.resyncAtMs = 0;
  }

  /** One round. It takes no hint about what changed beyond which apps to look at. */
  async round(): Promise<RoundResult> {
    const { bench } = this;
    const { feed, world } = bench.context;
    const isKnown = (id: string): boolean => appOf(world, id) !== undefined;
    await feed.catchUp();
    const isResync = bench.nowMs() >= this.resyncAtMs;
    if (isResync) bench.view.relist();
    for (const id of await bench.view.refresh(isKnown)) {
      const appId = appOf(world, id);
      if (appId !== undefined) bench.dirty.add(appId);
    }
    const apps = isResync ? this.allApps() : this.dueApps();
    bench.dirty.clear();
    try {
      await this.carryOut(apps);
    } catch (error) {
      // What was not carried out is planned again, from what is so by then.
      for (const appId of apps) bench.dirty.add(appId);
      throw error;
    }
    if (isResync) {
      judgeStrangers(bench);
      this.resyncAtMs = bench.nowMs() + RESYNC_MS;
      bench.notes.keepOnly(isKnown);
      this.watcher.keepOnly(isKnown);
    }
    return { nextRoundInMs: this.pauseMs() };
  }

  private async carryOut(apps: ReadonlySet<string>): Promise<void> {
    const { bench } = this;
    const planned: PlannedApp[] = [];
    for (const appId of apps) {
      planned.push(this.planned(appId));
      // A resync of very many does not keep requests of other processes in this thread waiting.
      if (planned.length % APPS_AT_ONCE === 0) await setImmediate();
    }
    const { allowed, refused } = boundRemoval(planned, bench.context.world.instanceCount);
    this.report(refused.length, planned);
    await apply(bench, allowed);
  }

  private planned(appId: string): PlannedApp {
    const { bench } = this;
    const planned = planApp(bench, appId);
    this.watcher.watch(
      appId,
      wantedWatches(
        bench.context.world.app(appId),
        planned.app.instances,
        bench.view.containers,
        bench.context.config,
      ),
    );
    if (planned.nextAtMs === null) this.dueMs.delete(appId);
    else this.dueMs.set(appId, planned.nextAtMs);
    return planned;
  }

  /** Said once per state, not once per round. */
  private report(refusedCount: number, planned: readonly PlannedApp[]): void {
    const refusal = refusedCount === 0 ? '' : `${refusedCount}`;
    if (refusal === this.refusal) return;
    this.refusal = refusal;
    const { logger } = this.bench.context;
    const apps = planned.map(({ app }) => app.appId).slice(0, 20);
    if (refusedCount > 0) logger.error({ refusedCount, apps }, 'removal-refused');
    else logger.info('removal-no-longer-refused');
  }

  private allApps(): ReadonlySet<string> {
    const { world } = this.bench.context;
    return new Set([
      ...world.apps().map(({ appId }) => appId),
      ...world.instances().map(({ appId }) => appId),
      ...[...world.all('run')].flatMap((run) => (run.status === 'none' ? [] : run.appId)),
      ...[...world.all('rollout')].flatMap((rollout) =>
        rollout.status === 'running' ? rollout.appId : [],
      ),
    ]);
  }

  private dueApps(): ReadonlySet<string> {
    const nowMs = this.bench.nowMs();
    const due = [...this.dueMs].flatMap(([appId, atMs]) => (atMs <= nowMs ? appId : []));
    return new Set([...this.bench.dirty, ...due]);
  }

  private pauseMs(): number {
    let next = this.resyncAtMs;
    for (const atMs of this.dueMs.values()) next = Math.min(next, atMs);
    return Math.max(0, next - this.bench.nowMs());
  }

  /** What the log says about which apps changed. */
  take(batch: readonly RecordedCommit[]): void {
    forgetDestroyed(this.bench, batch);
    const { bench } = this;
    const { world } = bench.context;
    for (const { commit } of batch) {
      for (const event of commit.events) {
        const touched = touchedBy(event, world);
        if (touched.everything) this.resync();
        for (const appId of touched.apps) bench.dirty.add(appId);
        if (touched.hasImage || touched.hasVolume) this.retryScheduled(touched.apps);
      }
      if (aggregateOf(commit.stream) !== 'app') continue;
      const { correlation, id: causation } = commit;
      bench.causes.set(idOf(commit.stream), { correlation, causation });
    }
    bench.wake();
  }

  /** An image is there again: instances that waited for it wait no longer. */
  private retryScheduled(apps: readonly string[]): void {
    const { notes, context } = this.bench;
    for (const appId of apps) {
      for (const { instanceId } of context.world.instancesOf(appId)) notes.retryNow(instanceId);
    }
  }
}

/** Whose container that is: of an instance that was not stopped, or of a one-off command that is open. */
const appOf = (world: World, id: string): string | undefined => {
  const { state } = world.get('instance', id);
  if (state.status !== 'none') return state.appId;
  const run = world.run(id);
  return run === undefined || run.status === 'ended' ? undefined : run.appId;
};

/** The key of a destroyed app is shredded by the api; what this process remembers of it goes, too. */
const forgetDestroyed = ({ keyring }: Workbench, batch: readonly RecordedCommit[]): void => {
  for (const { commit } of batch)
    for (const { type, data } of commit.events)
      if (type === 'AppDestroyed') keyring.forget(data.appId);
};
