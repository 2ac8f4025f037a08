import { setImmediate } from 'node:timers/promises';
import { aggregateOf, idOf, type RecordedCommit } from '@shiplog/events';
import type { RoundResult } from '@shiplog/reconcile';
import { apply } from './apply.js';
import { boundRemoval } from './bounded-removal.js';
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

  constructor(private readonly bench: Workbench) {}

  /** Every app is planned in the next round. */
  resync(): void {
    this.resyncAtMs = 0;
  }

  /** One round. It takes no hint about what changed beyond which apps to look at. */
  async round(): Promise<RoundResult> {
    const { bench } = this;
    const { feed, world } = bench.context;
    const isKnown = (id: string): boolean => world.get('instance', id).state.status !== 'none';
    await feed.catchUp();
    const isResync = bench.nowMs() >= this.resyncAtMs;
    if (isResync) bench.view.relist();
    for (const id of await bench.view.refresh(isKnown)) {
      const { state } = world.get('instance', id);
      if (state.status !== 'none') bench.dirty.add(state.appId);
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
    const planned = planApp(this.bench, appId);
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
        if (touched.hasImage) this.retryScheduled(touched.apps);
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

/** The key of a destroyed app is shredded by the api; what this process remembers of it goes, too. */
const forgetDestroyed = ({ keyring }: Workbench, batch: readonly RecordedCommit[]): void => {
  for (const { commit } of batch)
    for (const { type, data } of commit.events)
      if (type === 'AppDestroyed') keyring.forget(data.appId);
};
