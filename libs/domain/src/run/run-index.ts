import type { DomainEventUnion } from '@shiplog/events';
import type { KnownRun } from './index.js';

type RunScheduled = Extract<DomainEventUnion, { type: 'RunScheduled' }>['data'];

/** What changes which runs are remembered. */
export type RunIndexEvent = Extract<
  DomainEventUnion,
  { type: 'RunScheduled' | 'RunEnded' | 'CronJobRemoved' | 'AppDestroyed' }
>;

/**
 * Which runs the world remembers: the open ones, and of what ended the newest release command of each app and
 * the newest due run of each cron job: where the next one begins. Everything older is in the log.
 */
export class RunIndex {
  private ids = new Map<string, Set<string>>();
  private newest = new Map<string, string>();

  of(appId: string): readonly string[] {
    return [...(this.ids.get(appId) ?? [])];
  }

  /** Returns the runs that are remembered no longer. */
  apply(event: RunIndexEvent, stateOf: (runId: string) => KnownRun | undefined): string[] {
    switch (event.type) {
      case 'RunScheduled':
        return this.scheduled(event.data, stateOf);
      case 'RunEnded':
        return this.ended(event.data, stateOf(event.data.runId));
      case 'CronJobRemoved':
        return this.jobRemoved(event.data.appId, event.data.job, stateOf);
      case 'AppDestroyed':
        return this.appDestroyed(event.data.appId, stateOf);
    }
  }

  private scheduled(
    data: RunScheduled,
    stateOf: (runId: string) => KnownRun | undefined,
  ): string[] {
    const { appId, runId } = data;
    this.ids.set(appId, (this.ids.get(appId) ?? new Set()).add(runId));
    const key = lineOf(data);
    if (key === null) return [];
    const before = this.newest.get(key);
    this.newest.set(key, runId);
    return before !== undefined && stateOf(before)?.status === 'ended'
      ? this.forget(appId, before)
      : [];
  }

  private ended(
    data: { readonly appId: string; readonly runId: string },
    known: KnownRun | undefined,
  ): string[] {
    const key = known === undefined ? null : lineOf(known);
    const isNewest = key !== null && this.newest.get(key) === data.runId;
    return isNewest ? [] : this.forget(data.appId, data.runId);
  }

  private jobRemoved(
    appId: string,
    job: string,
    stateOf: (runId: string) => KnownRun | undefined,
  ): string[] {
    return this.drop(`${appId} ${job}`, appId, stateOf);
  }

  private appDestroyed(appId: string, stateOf: (runId: string) => KnownRun | undefined): string[] {
    const keys = [...this.newest.keys()].filter((key) => key.startsWith(`${appId} `));
    return keys.flatMap((key) => this.drop(key, appId, stateOf));
  }

  private drop(
    key: string,
    appId: string,
    stateOf: (runId: string) => KnownRun | undefined,
  ): string[] {
    const runId = this.newest.get(key);
    this.newest.delete(key);
    // An open one is forgotten at its end.
    return runId !== undefined && stateOf(runId)?.status === 'ended'
      ? this.forget(appId, runId)
      : [];
  }

  private forget(appId: string, runId: string): string[] {
    const ids = this.ids.get(appId);
    ids?.delete(runId);
    if (ids?.size === 0) this.ids.delete(appId);
    return [runId];
  }

  snapshot() {
    return {
      ids: [...this.ids].map(([appId, ids]): [string, string[]] => [appId, [...ids]]),
      newest: [...this.newest],
    };
  }

  restore({ ids, newest }: ReturnType<RunIndex['snapshot']>): void {
    this.ids = new Map(ids.map(([appId, of]) => [appId, new Set(of)]));
    this.newest = new Map(newest);
  }
}

/** What a run follows on from; null where nothing does. */
const lineOf = ({
  appId,
  kind,
  job,
  scheduledFor,
}: Pick<RunScheduled, 'appId' | 'kind' | 'job' | 'scheduledFor'>): string | null => {
  if (kind === 'release') return `${appId} `;
  return kind === 'cron' && scheduledFor !== null ? `${appId} ${job}` : null;
};
