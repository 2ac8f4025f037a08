import type { DomainUse } from '@shiplog/events';
import {
  address,
  appLines,
  domainOf,
  hostLine,
  matchLine,
  noticeLine,
  ownId,
  policyLine,
  portNumber,
  type NginxInstance,
  type NginxTable,
} from './table.js';
import type { Notice } from '../routes/notice.js';
import {
  RouterError,
  type Endpoint,
  type Match,
  type RouteAction,
  type TrafficRules,
} from '../routes/router.port.js';

/**
 * Puts actions into lines for `shiplog.lua`, of a table as it was read. Those of one app are one line with
 * all its instances, so that it changes at one moment.
 */
export const translate = (before: NginxTable, actions: readonly RouteAction[]): readonly string[] =>
  new Draft(before).of(actions);

class Draft {
  private readonly lines: string[] = [];
  /** Apps whose instances changed and were not written yet. */
  private readonly touched = new Set<string>();
  private readonly hosts: Overlay<string>;
  private readonly apps: Overlay<ReadonlyMap<string, NginxInstance>>;
  private readonly appOf: Overlay<string>;

  constructor(before: NginxTable) {
    this.hosts = new Overlay(before.hosts);
    this.apps = new Overlay(before.apps);
    this.appOf = new Overlay(before.appOf);
  }

  of(actions: readonly RouteAction[]): readonly string[] {
    for (const action of actions) this.add(action);
    this.flush();
    return this.lines;
  }

  private add(action: RouteAction): void {
    switch (action.kind) {
      case 'serve':
        return this.serve(action.endpoint);
      case 'weigh':
        return this.update(action.instanceId, { weight: action.weight });
      case 'match':
        return this.match(action.appId, action.match);
      case 'unmatch':
        return this.say(`nomatch ${ownId(action.appId)}`);
      case 'police':
        return this.police(action.appId, action.rules);
      case 'unpolice':
        return this.say(`nopolicy ${ownId(action.appId)}`);
      case 'notify':
        return this.notify(action.appId, action.notice);
      case 'bind-host':
        return this.bindHost(action.host, action.appId, action.use);
      case 'unbind-host':
        return this.unbindHost(action.host);
      case 'suspend':
        return this.update(action.instanceId, { state: 'out' });
      case 'drain':
        return this.update(action.instanceId, { state: 'draining' });
      case 'cut':
        return this.cut(action.instanceId);
      case 'release':
        return this.release(action.instanceId);
      case 'release-pool':
        return this.releasePool(action.appId);
    }
  }

  private serve(endpoint: Endpoint): void {
    if (endpoint.protocol !== undefined) {
      throw new RouterError(
        'router-refused',
        `Nginx speaks HTTP/1.1 to instances, and ${endpoint.instanceId} speaks ${endpoint.protocol}: set protocol=http, or run the platform with SHIPLOG_ROUTER=haproxy`,
        { isOfApp: true },
      );
    }
    const own = new Map(this.apps.get(endpoint.appId));
    this.put(
      endpoint.appId,
      own.set(endpoint.instanceId, { ...endpoint, state: 'serving', sessions: 0 }),
    );
    this.appOf.set(endpoint.instanceId, endpoint.appId);
  }

  private update(instanceId: string, changes: Partial<NginxInstance>): void {
    const instance = this.instance(instanceId);
    if (instance === undefined) return;
    const own = new Map(this.apps.get(instance.appId));
    this.put(instance.appId, own.set(instanceId, { ...instance, ...changes }));
  }

  private match(appId: string, { rule, instanceIds }: Match): void {
    const own = this.apps.get(appId);
    const there = instanceIds.filter((id) => own?.has(id) === true);
    if (there.length === 0) this.say(`nomatch ${ownId(appId)}`);
    else this.say(matchLine(appId, { rule, instanceIds: there }));
  }

  private police(appId: string, rules: TrafficRules): void {
    if (!this.apps.has(appId)) this.put(appId, new Map());
    this.say(policyLine(appId, rules));
  }

  private notify(appId: string, notice: Notice | null): void {
    if (notice === null || !this.apps.has(appId)) this.say(`nonotice ${ownId(appId)}`);
    else this.say(noticeLine(appId, notice));
  }

  private bindHost(host: string, appId: string, use: DomainUse | undefined): void {
    if (!this.apps.has(appId)) this.put(appId, new Map());
    this.hosts.set(host, appId);
    this.say(hostLine(host, appId, use));
  }

  private unbindHost(host: string): void {
    if (this.hosts.delete(host)) this.say(`nohost ${domainOf(host)}`);
  }

  private cut(instanceId: string): void {
    const instance = this.instance(instanceId);
    if (instance === undefined) return;
    const { host, port } = instance;
    this.say(`cut ${ownId(instanceId)} ${address(host)} ${portNumber(port)}`);
  }

  private release(instanceId: string): void {
    const instance = this.instance(instanceId);
    if (instance === undefined) return;
    const own = new Map(this.apps.get(instance.appId));
    own.delete(instanceId);
    this.appOf.delete(instanceId);
    this.put(instance.appId, own);
    this.say(`forget ${ownId(instanceId)}`);
  }

  private releasePool(appId: string): void {
    if (this.apps.delete(appId)) this.say(`noapp ${ownId(appId)}`);
  }

  private instance(instanceId: string): NginxInstance | undefined {
    return this.apps.get(this.appOf.get(instanceId) ?? '')?.get(instanceId);
  }

  private put(appId: string, instances: ReadonlyMap<string, NginxInstance>): void {
    this.apps.set(appId, instances);
    this.touched.add(appId);
  }

  /** What was changed of apps is written before what comes after it. */
  private flush(): void {
    for (const appId of this.touched)
      this.lines.push(appLines(appId, this.apps.get(appId) ?? new Map()));
    this.touched.clear();
  }

  private say(line: string): void {
    this.flush();
    this.lines.push(line);
  }
}

/** A map with what changed since: of ten thousand entries none is copied. */
class Overlay<T> {
  private readonly since = new Map<string, T | undefined>();

  constructor(private readonly before: ReadonlyMap<string, T>) {}

  get(key: string): T | undefined {
    return this.since.has(key) ? this.since.get(key) : this.before.get(key);
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  set(key: string, value: T): void {
    this.since.set(key, value);
  }

  /** Was it there? */
  delete(key: string): boolean {
    const wasThere = this.has(key);
    this.since.set(key, undefined);
    return wasThere;
  }
}
