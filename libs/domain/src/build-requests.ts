import type { Actor, Commit, DomainEventUnion, Position } from '@shiplog/events';
import { START } from '@shiplog/events';

/** Who wanted a build, when and why: what its release is made with, also after a restart. */
export interface BuildRequest {
  readonly buildId: string;
  readonly appId: string;
  /** Its place in the order of requests. */
  readonly position: Position;
  readonly actor: Actor;
  readonly reason: string | null;
  readonly correlation: string;
  /** Id of the commit that asked for it. */
  readonly askedBy: string;
  /** Id of the commit that ended the build; null until then. */
  readonly endedBy: string | null;
  /** The release made of it; null until there is one. */
  readonly release: { readonly version: number; readonly generation: number } | null;
}

interface OfApp {
  readonly requests: readonly BuildRequest[];
  /** Position of the newest request that became a release: an older build must not overtake it. */
  readonly releasedUpTo: Position;
}

/** More than an app keeps open builds and releases. */
const REQUESTS_KEPT = 100;
const NONE: OfApp = { requests: [], releasedUpTo: START };

/** Folds the newest build requests of each app. Part of the world. */
export class BuildRequests {
  private byApp = new Map<string, OfApp>();

  /** Oldest first. */
  of(appId: string): readonly BuildRequest[] {
    return this.byApp.get(appId)?.requests ?? [];
  }

  releasedUpTo(appId: string): Position {
    return this.byApp.get(appId)?.releasedUpTo ?? START;
  }

  apply(event: DomainEventUnion, commit: Commit, position: Position): void {
    switch (event.type) {
      case 'BuildRequested': {
        const { appId, buildId } = event.data;
        const { actor, reason, correlation, id: askedBy } = commit;
        const asked = { buildId, appId, position, actor, reason, correlation, askedBy };
        this.change(appId, ({ requests, releasedUpTo }) => ({
          requests: [...requests, { ...asked, endedBy: null, release: null }].slice(-REQUESTS_KEPT),
          releasedUpTo,
        }));
        return;
      }
      case 'BuildSucceeded':
      case 'BuildFailed':
      case 'BuildCancelled':
        this.changeOne(event.data.appId, event.data.buildId, { endedBy: commit.id });
        return;
      case 'ReleaseCreated': {
        const { appId, buildId, version, generation, cause } = event.data;
        if (buildId === null || (cause !== 'build' && cause !== 'image')) return;
        this.changeOne(appId, buildId, { release: { version, generation } });
        const asked = this.of(appId).find((request) => request.buildId === buildId)?.position;
        this.change(appId, ({ requests, releasedUpTo }) => ({
          requests,
          releasedUpTo: asked !== undefined && asked > releasedUpTo ? asked : releasedUpTo,
        }));
        return;
      }
      case 'AppDestroyed':
        this.byApp.delete(event.data.appId);
        return;
      default:
        return;
    }
  }

  private changeOne(appId: string, buildId: string, change: Partial<BuildRequest>): void {
    if (!this.of(appId).some((request) => request.buildId === buildId)) return;
    this.change(appId, ({ requests, releasedUpTo }) => ({
      requests: requests.map((r) => (r.buildId === buildId ? { ...r, ...change } : r)),
      releasedUpTo,
    }));
  }

  private change(appId: string, next: (ofApp: OfApp) => OfApp): void {
    this.byApp.set(appId, next(this.byApp.get(appId) ?? NONE));
  }

  snapshot(): readonly (readonly [string, OfApp])[] {
    return [...this.byApp];
  }

  restore(state: readonly (readonly [string, OfApp])[]): void {
    this.byApp = new Map(state);
  }
}
