import type { TrafficCounters } from '@shiplog/domain';
import {
  RouterError,
  type ActualRoutes,
  type RouteAction,
  type Router,
  type UnderWay,
} from './router.port.js';

/** What is the same as before is tried again after this time. */
const TRY_AGAIN_MS = 30_000;

export interface QuarantineDependencies {
  readonly nowMs: () => number;
  /** Called once when an app is put aside, with what the proxy said, and once when it is not any more. */
  readonly onChange: (appId: string, reason: string | undefined) => void;
}

interface Held {
  readonly reason: string;
  /** What was refused, as text: something else is tried at once. */
  readonly actions: ReadonlySet<string>;
  readonly untilMs: number;
}

interface Refusal {
  readonly error: RouterError;
  readonly actions: readonly RouteAction[];
}

/**
 * One app that the proxy refuses keeps no other app's routes as they are: it is found by halves, and what was
 * refused of it put aside. All else of it is carried out: an instance that is taken out does not wait for one
 * that cannot be put in. When everything is refused, no app is to blame, and that is an error.
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

  async observeApps(appIds: ReadonlySet<string>): Promise<ActualRoutes | undefined> {
    const routes = await this.router.observeApps(appIds);
    if (routes !== undefined) this.seen = routes;
    return routes;
  }

  traffic(appId: string): Promise<ReadonlyMap<string, TrafficCounters>> {
    return this.router.traffic(appId);
  }

  underWay(): Promise<UnderWay> {
    return this.router.underWay();
  }

  async apply(actions: readonly RouteAction[]): Promise<void> {
    const byApp = this.byApp(actions);
    for (const appId of this.held.keys()) if (!byApp.has(appId)) this.letGo(appId);
    const now = this.deps.nowMs();
    const back = new Map(
      [...byApp].map(([appId, own]) => [appId, this.heldBack(appId, own, now)] as const),
    );
    const due = actions.filter((action) => back.get(this.appOf(action))?.has(action) !== true);
    const apps = [...this.byApp(due).keys()];
    const refused = await this.tryApps(apps, due);
    const refusals = [...refused.values()];
    const [first, ...more] = refusals.filter(({ error }) => !error.isOfApp);
    const isAll = refusals.flatMap((refusal) => refusal.actions).length === due.length;
    if (first !== undefined && isAll && more.length > 0) throw first.error;
    for (const [appId, own] of back) this.hold(appId, own, refused.get(appId));
  }

  /** What is not tried now; while a policy is, nobody reaches the app at a host that it did not have. */
  private heldBack(
    appId: string,
    own: readonly RouteAction[],
    now: number,
  ): ReadonlySet<RouteAction> {
    const held = this.held.get(appId);
    if (held === undefined || now >= held.untilMs) return new Set();
    const back = own.filter((action) => held.actions.has(textOf(action)));
    if (!back.some(isPolicy)) return new Set(back);
    return new Set([...back, ...own.filter(isBinding)]);
  }

  private hold(appId: string, back: ReadonlySet<RouteAction>, refusal: Refusal | undefined): void {
    const actions = new Set([...back, ...(refusal?.actions ?? [])].map(textOf));
    const before = this.held.get(appId);
    const why = refusal === undefined ? before : this.reasonOf(refusal);
    if (actions.size === 0 || why === undefined) return this.letGo(appId);
    const { reason, untilMs } = why;
    this.held.set(appId, { reason, actions, untilMs });
    if (before?.reason !== reason) this.deps.onChange(appId, reason);
  }

  private reasonOf({ error: { message, againMs = TRY_AGAIN_MS } }: Refusal) {
    return { reason: message, untilMs: this.deps.nowMs() + againMs };
  }

  /** What the proxy refuses, by app; all else of these apps is as it should be. */
  private async tryApps(
    apps: readonly string[],
    actions: readonly RouteAction[],
  ): Promise<ReadonlyMap<string, Refusal>> {
    if (apps.length === 0) return new Map();
    const chosen = new Set(apps);
    const own = actions.filter((action) => chosen.has(this.appOf(action)));
    const error = await this.tryAll(own);
    if (error === undefined) return new Map();
    const [only] = apps;
    if (apps.length === 1 && only !== undefined)
      return new Map([[only, await this.tryEach(own, error)]]);
    const half = Math.ceil(apps.length / 2);
    const left = await this.tryApps(apps.slice(0, half), actions);
    const right = await this.tryApps(apps.slice(half), actions);
    return new Map([...left, ...right]);
  }

  /** Of one app that is refused as a whole. */
  private async tryEach(own: readonly RouteAction[], whole: RouterError): Promise<Refusal> {
    if (own.length === 1) return { error: whole, actions: own };
    const refused: RouteAction[] = [];
    let first: RouterError | undefined;
    for (const action of own) {
      const isOpen = isBinding(action) && refused.some(isPolicy);
      const error = isOpen ? first : await this.tryAll([action]);
      if (error === undefined) continue;
      first ??= error;
      refused.push(action);
    }
    return { error: first ?? whole, actions: refused };
  }

  private async tryAll(actions: readonly RouteAction[]): Promise<RouterError | undefined> {
    try {
      await this.router.apply(actions);
      return undefined;
    } catch (error) {
      if (!(error instanceof RouterError) || error.code !== 'router-refused') throw error;
      return error;
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
      case 'police':
      case 'unpolice':
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

const textOf = (action: RouteAction): string => JSON.stringify(action);
const isPolicy = ({ kind }: RouteAction): boolean => kind === 'police';
const isBinding = ({ kind }: RouteAction): boolean => kind === 'bind-host';
