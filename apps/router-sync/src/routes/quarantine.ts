import type { TrafficCounters } from '@shiplog/domain';
import { RouterError, type ActualRoutes, type RouteAction, type Router } from './router.port.js';

/** What is the same as before is tried again after this time. */
const TRY_AGAIN_MS = 30_000;

export interface QuarantineDependencies {
  readonly nowMs: () => number;
  /** Called once when an app is put aside, with what the proxy said, and once when it is not any more. */
  readonly onChange: (appId: string, reason: string | undefined) => void;
}

interface Held {
  readonly reason: string;
  /** What was refused: something else is tried at once. */
  readonly asked: string;
  readonly untilMs: number;
}

/**
 * One app that the proxy refuses keeps no other app's routes as they are: it is found by halves and put
 * aside, with the routes that it had. When everything is refused, no app is to blame, and that is an error.
 */
export class QuarantiningRouter implements Router {
  readonly kind: Router['kind'];
  /** As the last `observe` saw them: whose an instance or a host is. */
  private seen: Pick<ActualRoutes, 'hosts' | 'endpoints'> = {
    hosts: new Map(),
    endpoints: new Map(),
  };
  private readonly held = new Map<string, Held>();

  constructor(
    private readonly router: Router,
    private readonly deps: QuarantineDependencies,
  ) {
    this.kind = router.kind;
  }

  /** Apps that are put aside, and why. */
  get quarantined(): ReadonlyMap<string, string> {
    return new Map([...this.held].map(([appId, { reason }]) => [appId, reason]));
  }

  async observe(): Promise<ActualRoutes> {
    const routes = await this.router.observe();
    this.seen = routes;
    return routes;
  }

  traffic(appId: string): Promise<ReadonlyMap<string, TrafficCounters>> {
    return this.router.traffic(appId);
  }

  async apply(actions: readonly RouteAction[]): Promise<void> {
    const byApp = this.byApp(actions);
    for (const appId of this.held.keys()) if (!byApp.has(appId)) this.letGo(appId);
    const now = this.deps.nowMs();
    const apps = [...byApp].filter(([appId, own]) => this.isDue(appId, own, now)).map(([id]) => id);
    const refused = await this.tryApps(apps, actions);
    for (const appId of apps) if (!refused.has(appId)) this.letGo(appId);
    const [first] = refused.values();
    if (first !== undefined && refused.size === apps.length && apps.length > 1) throw first;
    for (const [appId, { message }] of refused) {
      const isNews = this.held.get(appId)?.reason !== message;
      const asked = textOf(byApp.get(appId));
      this.held.set(appId, { reason: message, asked, untilMs: now + TRY_AGAIN_MS });
      if (isNews) this.deps.onChange(appId, message);
    }
  }

  /** The apps of these that the proxy refuses; all others have what they should have. */
  private async tryApps(
    apps: readonly string[],
    actions: readonly RouteAction[],
  ): Promise<ReadonlyMap<string, RouterError>> {
    if (apps.length === 0) return new Map();
    const chosen = new Set(apps);
    try {
      await this.router.apply(actions.filter((action) => chosen.has(this.appOf(action))));
      return new Map();
    } catch (error) {
      if (!(error instanceof RouterError) || error.code !== 'router-refused') throw error;
      const [only] = apps;
      if (apps.length === 1 && only !== undefined) return new Map([[only, error]]);
      const half = Math.ceil(apps.length / 2);
      const left = await this.tryApps(apps.slice(0, half), actions);
      const right = await this.tryApps(apps.slice(half), actions);
      return new Map([...left, ...right]);
    }
  }

  private byApp(actions: readonly RouteAction[]): ReadonlyMap<string, readonly RouteAction[]> {
    const byApp = new Map<string, RouteAction[]>();
    for (const action of actions) {
      const appId = this.appOf(action);
      const own = byApp.get(appId);
      if (own === undefined) byApp.set(appId, [action]);
      else own.push(action);
    }
    return byApp;
  }

  private isDue(appId: string, asked: readonly RouteAction[], now: number): boolean {
    const held = this.held.get(appId);
    return held === undefined || now >= held.untilMs || held.asked !== textOf(asked);
  }

  private letGo(appId: string): void {
    if (this.held.delete(appId)) this.deps.onChange(appId, undefined);
  }

  private appOf(action: RouteAction): string {
    switch (action.kind) {
      case 'serve':
        return action.endpoint.appId;
      case 'bind-host':
      case 'match':
      case 'unmatch':
      case 'notify':
      case 'release-pool':
        return action.appId;
      case 'unbind-host':
        return this.seen.hosts.get(action.host) ?? action.host;
      default:
        return this.seen.endpoints.get(action.instanceId)?.appId ?? action.instanceId;
    }
  }
}

const textOf = (actions: readonly RouteAction[] | undefined): string => JSON.stringify(actions);
