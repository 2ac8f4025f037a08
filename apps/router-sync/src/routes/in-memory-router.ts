import type { TrafficCounters } from '@shiplog/domain';
import type { DomainUse } from '@shiplog/events';
import { routesOfApps } from './routes-of-apps.js';
import type { Notice } from './notice.js';
import { portIn, portOf, portRoute } from './places.js';
import type {
  ActualEndpoint,
  ActualRoutes,
  Endpoint,
  Match,
  RouteAction,
  Router,
  UnderWay,
} from './router.port.js';

/** A port is a place of its own. */
const poolOf = ({ instanceId, appId }: ActualEndpoint | Endpoint): string => {
  const port = portOf(instanceId);
  return port === undefined ? appId : portRoute(port);
};

type Draft = { -readonly [K in keyof ActualEndpoint]: ActualEndpoint[K] };

/** The honest fake: what is drained stays until it is released, and requests under way are counted. */
export class InMemoryRouter implements Router {
  readonly kind = 'haproxy';
  private readonly hosts = new Map<string, string>();
  private readonly uses = new Map<string, DomainUse>();
  private readonly endpoints = new Map<string, Draft>();
  private readonly matches = new Map<string, Match>();
  private readonly policies = new Map<string, string>();
  private readonly notices = new Map<string, Notice>();
  private readonly pools = new Set<string>();

  observe(): Promise<ActualRoutes> {
    const held = new Set([
      ...this.hosts.values(),
      ...this.hosts.keys(),
      ...[...this.endpoints.values()].map(poolOf),
    ]);
    return Promise.resolve({
      hosts: new Map(this.hosts),
      uses: new Map(this.uses),
      endpoints: new Map([...this.endpoints].map(([id, endpoint]) => [id, { ...endpoint }])),
      matches: new Map(this.matches),
      policies: new Map(this.policies),
      notices: new Map(this.notices),
      emptyPools: new Map([...this.pools].filter((id) => !held.has(id)).map((id) => [id, 0])),
    });
  }

  async observeApps(appIds: ReadonlySet<string>): Promise<ActualRoutes | undefined> {
    return routesOfApps(await this.observe(), appIds);
  }

  apply(actions: readonly RouteAction[]): Promise<void> {
    for (const action of actions) this.carryOut(action);
    return Promise.resolve();
  }

  traffic(appId: string): Promise<ReadonlyMap<string, TrafficCounters>> {
    const own = [...this.endpoints.values()].filter((endpoint) => endpoint.appId === appId);
    return Promise.resolve(
      new Map(
        own.map(({ instanceId }) => [instanceId, { requests: 0, errors: 0, meanMs: 0 }] as const),
      ),
    );
  }

  underWay(): Promise<UnderWay> {
    const instances = new Map([...this.endpoints].map(([id, { sessions }]) => [id, sessions]));
    return Promise.resolve({ instances, queued: new Map() });
  }

  /** For tests: requests that are under way at an instance. */
  setSessions(instanceId: string, sessions: number): void {
    const endpoint = this.endpoints.get(instanceId);
    if (endpoint !== undefined) endpoint.sessions = sessions;
  }

  private carryOut(action: RouteAction): void {
    switch (action.kind) {
      case 'serve':
        this.pools.add(poolOf(action.endpoint));
        this.endpoints.set(action.endpoint.instanceId, {
          ...action.endpoint,
          state: 'serving',
          sessions: 0,
        });
        return;
      case 'weigh': {
        const endpoint = this.endpoints.get(action.instanceId);
        if (endpoint !== undefined) endpoint.weight = action.weight;
        return;
      }
      case 'match': {
        const { appId, match } = action;
        const instanceIds = match.instanceIds.filter((id) => this.endpoints.has(id));
        if (instanceIds.length === 0) this.matches.delete(appId);
        else this.matches.set(appId, { rule: match.rule, instanceIds });
        return;
      }
      case 'unmatch':
        this.matches.delete(action.appId);
        return;
      case 'police':
        this.pools.add(action.appId);
        this.policies.set(action.appId, action.rules.id);
        return;
      case 'unpolice':
        this.policies.delete(action.appId);
        return;
      case 'notify':
        if (action.notice !== null && this.pools.has(action.appId))
          this.notices.set(action.appId, action.notice);
        else this.notices.delete(action.appId);
        return;
      case 'bind-host':
        this.pools.add(portIn(action.host) === undefined ? action.appId : action.host);
        this.hosts.set(action.host, action.appId);
        if (action.use === undefined) this.uses.delete(action.host);
        else this.uses.set(action.host, action.use);
        return;
      case 'unbind-host':
        this.hosts.delete(action.host);
        this.uses.delete(action.host);
        return;
      case 'suspend':
        this.setState(action.instanceId, 'out');
        return;
      case 'drain':
        this.setState(action.instanceId, 'draining');
        return;
      case 'cut':
        this.setSessions(action.instanceId, 0);
        return;
      case 'release':
        this.endpoints.delete(action.instanceId);
        return;
      case 'release-pool':
        this.pools.delete(action.appId);
        this.policies.delete(action.appId);
        this.notices.delete(action.appId);
        return;
    }
  }

  private setState(instanceId: string, state: ActualEndpoint['state']): void {
    const endpoint = this.endpoints.get(instanceId);
    if (endpoint !== undefined) endpoint.state = state;
  }
}
