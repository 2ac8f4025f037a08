import type { NodeEvent } from '@shiplog/events';
import { accept, type Decider } from '../decider.js';

type Observed = NodeEvent['data'];
export type NodeCommand = { type: 'ObserveNode' } & Observed;
export type NodeState = { readonly status: 'none' } | ({ readonly status: 'known' } & Observed);

export const node: Decider<NodeState, NodeCommand, NodeEvent, never> = {
  initialState: { status: 'none' },
  decide: ({ type: _, ...seen }, state) => {
    if (state.status === 'known') {
      const same = (Object.keys(seen) as (keyof Observed)[]).every(
        (key) => seen[key] === state[key],
      );
      if (same) return accept();
    }
    return accept({ type: 'NodeObserved', v: 1, data: seen });
  },
  evolve: (_state, event) => ({ status: 'known', ...event.data }),
};
