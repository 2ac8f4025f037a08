import type { TrafficCounters } from '@shiplog/domain';
import type { DomainUse, TrafficPolicy, WebProtocol } from '@shiplog/events';
import { OperationalError } from '@shiplog/runtime';
import type { Notice } from './notice.js';

/** Where one instance is reached. */
export interface Endpoint {
  readonly instanceId: string;
  readonly appId: string;
  /** Its own address, or where published ports are reached (`SHIPLOG_INSTANCE_HOST`). Numeric. */
  readonly host: string;
  readonly port: number;
  /** Its part of its app's requests, relative to the others: 0 to 256. 0: it gets none, and could serve. */
  readonly weight: number;
  /** What it speaks, the same for as long as it lives. Absent: HTTP/1.1. A proxy that cannot speak it refuses it. */
  readonly protocol?: Exclude<WebProtocol, 'http'>;
}

export interface ActualEndpoint extends Endpoint {
  /**
   * `serving`: requests go there. `leaving`: taken out, but an earlier generation of the proxy that
   * is on its way out may still begin one. `draining`: no new request, those under way go on.
   * `out`: nothing goes there, but its place is kept (its process died and may come back).
   */
  readonly state: 'serving' | 'leaving' | 'draining' | 'out';
  /** Requests and tunnels under way or queued, in all generations of the proxy. Read unless `serving`. */
  readonly sessions: number;
}

/**
 * Requests of an app that all go to certain instances, whatever their part: those with a header or a cookie.
 * A request goes to one of them while it takes requests, else as any other.
 */
export interface Match {
  /** As `canaryMatch` of the settings has it (see `match-rule.ts`). */
  readonly rule: string;
  /** Ascending. At least one. */
  readonly instanceIds: readonly string[];
}

/** Who may send requests to an app. */
export interface Credentials {
  /** Hashes of passwords by name; nobody: no request comes through. */
  readonly users: Readonly<Record<string, string>>;
  /** Does the app see the `Authorization` of a client? */
  readonly passesHeader: boolean;
}

/** A traffic policy, and the name by which a proxy says that it has this one and no other. */
export interface TrafficRules {
  /** Hexadecimal digits, made of the policy. */
  readonly id: string;
  readonly policy: TrafficPolicy;
  /** Absent: everyone may. */
  readonly credentials?: Credentials;
}

/** What the proxy really does, read back from it. */
export interface ActualRoutes {
  /** Domain → app id. A domain is a host or `*.` and a host, with or without a path. */
  readonly hosts: ReadonlyMap<string, string>;
  /** Of domains whose app does not just answer. */
  readonly uses: ReadonlyMap<string, DomainUse>;
  /** By instance id. */
  readonly endpoints: ReadonlyMap<string, ActualEndpoint>;
  /** By app id. */
  readonly matches: ReadonlyMap<string, Match>;
  /** By app id: the name of the traffic policy that it has; another name where it is not whole. */
  readonly policies: ReadonlyMap<string, string>;
  /** By app id. */
  readonly notices: ReadonlyMap<string, Notice>;
  /** Apps that hold a place without host and endpoint, and the requests still under way there. */
  readonly emptyPools: ReadonlyMap<string, number>;
}

export type RouteAction =
  | { readonly kind: 'serve'; readonly endpoint: Endpoint }
  /** It serves already, and gets another part of the requests. */
  | { readonly kind: 'weigh'; readonly instanceId: string; readonly weight: number }
  /** All requests that match go there, and to nobody else. Instances that have no place are left out. */
  | { readonly kind: 'match'; readonly appId: string; readonly match: Match }
  | { readonly kind: 'unmatch'; readonly appId: string }
  /** What is done with its requests from now on; holds for instances that come later, too. */
  | { readonly kind: 'police'; readonly appId: string; readonly rules: TrafficRules }
  | { readonly kind: 'unpolice'; readonly appId: string }
  /** What an app's clients are told from now on; null: nothing. */
  | { readonly kind: 'notify'; readonly appId: string; readonly notice: Notice | null }
  | {
      readonly kind: 'bind-host';
      /** A domain. */
      readonly host: string;
      readonly appId: string;
      /** Absent: its app just answers. */
      readonly use?: DomainUse;
    }
  | { readonly kind: 'unbind-host'; readonly host: string }
  /** Out of rotation at once, place kept: the process behind it died. */
  | { readonly kind: 'suspend'; readonly instanceId: string }
  /** No new request; those under way go on. */
  | { readonly kind: 'drain'; readonly instanceId: string }
  /** Ends the requests and tunnels that are still under way. */
  | { readonly kind: 'cut'; readonly instanceId: string }
  /** Gives the place free. Nothing is sent there any more. */
  | { readonly kind: 'release'; readonly instanceId: string }
  | { readonly kind: 'release-pool'; readonly appId: string };

/** Now, in the present generation of the proxy. */
export interface UnderWay {
  /** Requests and tunnels by instance id. */
  readonly instances: ReadonlyMap<string, number>;
  /** Requests that wait for a place at an instance, by app id; apps without are left out. */
  readonly queued: ReadonlyMap<string, number>;
}

/** A proxy whose routes can be changed while it serves. Every adapter passes `describeRouter`. */
export interface Router {
  readonly kind: 'haproxy' | 'nginx';

  /** Reads the proxy itself, never a memory of what was asked of it. */
  observe(): Promise<ActualRoutes>;

  /**
   * The same of some apps alone, in a time that does not grow with the others. What nobody touched since it was read may
   * be as it was then. Undefined: only `observe` can tell, since one of the apps is new, or the proxy is not as we left it.
   */
  observeApps(appIds: ReadonlySet<string>): Promise<ActualRoutes | undefined>;

  /**
   * Carries the actions out in order. On repetition the same state again; what is not there need not
   * be taken out. When it resolves, a proxy that is restarted without us comes back with these routes.
   * A host is bound to an app also while that app has no endpoint: it is then answered with 503.
   */
  apply(actions: readonly RouteAction[]): Promise<void>;

  /** What the proxy counted of an app's instances, by instance id. Nothing where it has none of them. */
  traffic(appId: string): Promise<ReadonlyMap<string, TrafficCounters>>;

  underWay(): Promise<UnderWay>;
}

export type RouterErrorCode =
  | 'router-unreachable'
  | 'router-refused'
  | 'router-port-taken'
  | 'router-binary-missing'
  | 'router-config-invalid'
  | 'router-socket-unsafe'
  | 'router-full';

interface RouterErrorOptions extends ErrorOptions {
  readonly againMs?: number;
  readonly isOfApp?: boolean;
}

/** The proxy did not do what it was asked. The message names what a person can change. */
export class RouterError extends OperationalError {
  readonly retryable = true;
  /** What was refused is tried again after this time, as it costs little; undefined: after that of whoever tries. */
  readonly againMs: number | undefined;
  /** It is known to be the matter of the one app that asks, however many others are refused: the proxy is well. */
  readonly isOfApp: boolean;
  constructor(
    readonly code: RouterErrorCode,
    message: string,
    { againMs, isOfApp = false, ...options }: RouterErrorOptions = {},
  ) {
    super(message, options);
    this.againMs = againMs;
    this.isOfApp = isOfApp;
  }
}
