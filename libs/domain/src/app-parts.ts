export type PartKind = 'instance' | 'rollout' | 'build';

type Parts = Readonly<Record<PartKind, Set<string>>>;

const KINDS: readonly PartKind[] = ['instance', 'rollout', 'build'];

/** Ids of what belongs to each app, oldest first: to be found by its app, and forgotten with it. */
export class AppParts {
  private byApp = new Map<string, Parts>();

  of(kind: PartKind, appId: string): readonly string[] {
    return [...(this.byApp.get(appId)?.[kind] ?? [])];
  }

  add(kind: PartKind, appId: string, id: string): void {
    const parts = this.byApp.get(appId) ?? noParts();
    parts[kind].add(id);
    this.byApp.set(appId, parts);
  }

  remove(kind: PartKind, appId: string, id: string): void {
    const parts = this.byApp.get(appId);
    if (parts === undefined) return;
    parts[kind].delete(id);
    if (KINDS.every((one) => parts[one].size === 0)) this.byApp.delete(appId);
  }

  snapshot(): readonly (readonly [string, readonly (readonly string[])[]])[] {
    return [...this.byApp].map(([appId, parts]) => [appId, KINDS.map((one) => [...parts[one]])]);
  }

  restore(state: ReturnType<AppParts['snapshot']>): void {
    this.byApp = new Map(
      state.map(([appId, [instance, rollout, build]]) => [
        appId,
        { instance: new Set(instance), rollout: new Set(rollout), build: new Set(build) },
      ]),
    );
  }
}

const noParts = (): Parts => ({ instance: new Set(), rollout: new Set(), build: new Set() });
