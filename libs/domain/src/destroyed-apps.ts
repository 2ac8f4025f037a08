import type { Revision } from '@shiplog/events';
import type { AppState } from './app/index.js';

export type DestroyedApp = Extract<AppState, { status: 'destroyed' }>;

interface End {
  readonly revision: Revision;
  readonly version: number;
}
type Kept = readonly [name: string, teamId: string, revision: Revision, version: number];

/**
 * What is remembered of apps for ever, in the order in which they were destroyed: whose they were, so that
 * their past is shown to their team, and that their ids are taken. A hundred bytes each; the rest is in the log.
 */
export class DestroyedApps {
  private byId = new Map<string, Kept>();

  get count(): number {
    return this.byId.size;
  }

  has(appId: string): boolean {
    return this.byId.has(appId);
  }

  get(appId: string): ({ readonly state: DestroyedApp; readonly hash: null } & End) | undefined {
    const kept = this.byId.get(appId);
    if (kept === undefined) return undefined;
    const [name, teamId, revision, version] = kept;
    // Nothing is ever appended to such an app, so nothing has to go on from its hash.
    return { state: { status: 'destroyed', appId, name, teamId }, revision, version, hash: null };
  }

  /** The one that had the name last. */
  named(name: string): DestroyedApp | undefined {
    const found = [...this.byId].findLast(([, kept]) => kept[0] === name);
    return found && this.get(found[0])?.state;
  }

  /** Ids of those that were destroyed after the first so many. */
  after(count: number): readonly string[] {
    return count >= this.byId.size ? [] : [...this.byId.keys()].slice(count);
  }

  add({ appId, name, teamId }: DestroyedApp, { revision, version }: End): void {
    this.byId.set(appId, [name, teamId, revision, version]);
  }

  snapshot(): readonly (readonly [string, Kept])[] {
    return [...this.byId];
  }

  restore(state: ReturnType<DestroyedApps['snapshot']>): void {
    this.byId = new Map(state);
  }
}
