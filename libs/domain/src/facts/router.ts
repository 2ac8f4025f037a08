import type { RouterEvent } from '@shiplog/events';
import { accept, reject, type Decider } from '../decider.js';
import { ShardedMap } from '../sharded-map.js';

export type RouterCommand =
  | { type: 'StartRouter'; routerId: string; kind: 'haproxy' | 'nginx' }
  | {
      type: 'RecordRoutes';
      position: string;
      routed: readonly string[];
      unrouted: readonly string[];
      drained: readonly string[];
      weights?: Readonly<Record<string, number>>;
    }
  | {
      type: 'RecordCertificates';
      /** Fingerprint by domain: everything that this router serves. */
      served: Readonly<Record<string, string>>;
    }
  | { type: 'RemoveRouter' };

/** `returning`: it had let go of it, and may send to it again, because it is ready again. */
export type RouteState = 'routed' | 'unrouted' | 'drained' | 'returning';
export type RouterState =
  | { readonly status: 'none' | 'removed' }
  | {
      readonly status: 'active';
      readonly routerId: string;
      readonly kind: 'haproxy' | 'nginx';
      readonly position: string;
      /** What this router does with an instance; the world forgets instances that were stopped. */
      readonly routes: ShardedMap<RouteState>;
      /** Which part of its app's requests an instance gets, relative to the others; 1 where it is not named. */
      readonly weights: ShardedMap<number>;
      /** Fingerprints of the certificates that this router was seen to serve, by domain. */
      readonly certificates: Readonly<Record<string, string>>;
    };
export type RouterRejection = { code: 'router-not-active' };

const NOTHING_SEEN = {
  status: 'active',
  position: '0'.repeat(20),
  routes: ShardedMap.of<RouteState>(),
  weights: ShardedMap.of<number>(),
  certificates: {},
} as const;

/** A router counts until it is removed: a dead router-sync is not a dead proxy. */
export const router: Decider<RouterState, RouterCommand, RouterEvent, RouterRejection> = {
  initialState: { status: 'none' },
  decide: (command, state) => {
    if (command.type === 'StartRouter') {
      if (state.status === 'active' && state.kind === command.kind) return accept();
      const { routerId, kind } = command;
      return accept({ type: 'RouterStarted', v: 1, data: { routerId, kind } });
    }
    if (state.status !== 'active') return reject({ code: 'router-not-active' });
    const { routerId } = state;
    switch (command.type) {
      case 'RecordRoutes': {
        const routed = command.routed.filter((id) => state.routes.get(id) !== 'routed');
        const drained = command.drained.filter((id) => state.routes.get(id) !== 'drained');
        const unrouted = command.unrouted.filter((id) =>
          [undefined, 'routed', 'returning'].includes(state.routes.get(id)),
        );
        const weights = Object.entries(command.weights ?? {}).filter(
          ([id, weight]) => (state.weights.get(id) ?? 1) !== weight,
        );
        // A round that changes nothing appends nothing.
        const routes = { routerId, position: command.position, routed, unrouted, drained };
        return accept<RouterEvent>(
          ...(routed.length + drained.length + unrouted.length === 0
            ? []
            : [{ type: 'RoutesApplied', v: 1, data: routes } as const]),
          ...(weights.length === 0
            ? []
            : [
                {
                  type: 'RouteWeightsApplied',
                  v: 1,
                  data: { routerId, weights: Object.fromEntries(weights) },
                } as const,
              ]),
        );
      }
      case 'RecordCertificates':
        return recordCertificates(routerId, state.certificates, command.served);
      case 'RemoveRouter':
        return accept({ type: 'RouterRemoved', v: 1, data: { routerId } });
    }
  },
  evolve: (state, event) => {
    switch (event.type) {
      case 'RouterStarted':
        return {
          ...(state.status === 'active' ? state : NOTHING_SEEN),
          ...event.data,
        };
      case 'RoutesApplied': {
        if (state.status !== 'active') return state;
        const { position, ...ids } = event.data;
        const told = (['routed', 'unrouted', 'drained'] as const).flatMap((route) =>
          ids[route].map((id) => [id, route] as const),
        );
        return { ...state, position, routes: state.routes.withAll(told) };
      }
      case 'RouteWeightsApplied': {
        if (state.status !== 'active') return state;
        return { ...state, weights: state.weights.withAll(Object.entries(event.data.weights)) };
      }
      case 'CertificatesApplied': {
        if (state.status !== 'active') return state;
        return { ...state, certificates: withCertificates(state.certificates, event.data) };
      }
      case 'RouterRemoved':
        return { status: 'removed' };
    }
  },
};

const withCertificates = (
  before: Readonly<Record<string, string>>,
  { installed, removed }: Extract<RouterEvent, { type: 'CertificatesApplied' }>['data'],
): Readonly<Record<string, string>> => {
  const kept = Object.entries(before).filter(([domain]) => !removed.includes(domain));
  return { ...Object.fromEntries(kept), ...installed };
};

const recordCertificates = (
  routerId: string,
  before: Readonly<Record<string, string>>,
  served: Readonly<Record<string, string>>,
) => {
  const installed = Object.entries(served).filter(([domain, one]) => before[domain] !== one);
  const removed = Object.keys(before).filter((domain) => !Object.hasOwn(served, domain));
  return installed.length + removed.length === 0
    ? accept<RouterEvent>()
    : accept<RouterEvent>({
        type: 'CertificatesApplied',
        v: 1,
        data: { routerId, installed: Object.fromEntries(installed), removed },
      });
};
