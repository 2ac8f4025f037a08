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
    }
  | { type: 'RemoveRouter' };

export type RouteState = 'routed' | 'unrouted' | 'drained';
export type RouterState =
  | { readonly status: 'none' | 'removed' }
  | {
      readonly status: 'active';
      readonly routerId: string;
      readonly kind: 'haproxy' | 'nginx';
      readonly position: string;
      /** What this router does with an instance; the world forgets instances that were stopped. */
      readonly routes: ShardedMap<RouteState>;
    };
export type RouterRejection = { code: 'router-not-active' };

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
          [undefined, 'routed'].includes(state.routes.get(id)),
        );
        // A round that changes nothing appends nothing.
        if (routed.length + drained.length + unrouted.length === 0) return accept();
        return accept({
          type: 'RoutesApplied',
          v: 1,
          data: { routerId, position: command.position, routed, unrouted, drained },
        });
      }
      case 'RemoveRouter':
        return accept({ type: 'RouterRemoved', v: 1, data: { routerId } });
    }
  },
  evolve: (state, event) => {
    switch (event.type) {
      case 'RouterStarted':
        return {
          status: 'active',
          ...event.data,
          position: state.status === 'active' ? state.position : '0'.repeat(20),
          routes: state.status === 'active' ? state.routes : ShardedMap.of(),
        };
      case 'RoutesApplied': {
        if (state.status !== 'active') return state;
        let { routes } = state;
        for (const id of event.data.routed) routes = routes.with(id, 'routed');
        for (const id of event.data.unrouted) routes = routes.with(id, 'unrouted');
        for (const id of event.data.drained) routes = routes.with(id, 'drained');
        return { ...state, position: event.data.position, routes };
      }
      case 'RouterRemoved':
        return { status: 'removed' };
    }
  },
};
