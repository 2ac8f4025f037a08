import type { PortEvent } from '@shiplog/events';
import { accept, reject, type Decider } from '../decider.js';

export type PortCommand =
  | { type: 'ReservePort'; port: number; appId: string; teamId: string }
  | { type: 'ReleasePort'; appId: string };
export type PortState =
  | { readonly status: 'free' }
  | {
      readonly status: 'reserved';
      readonly port: number;
      readonly appId: string;
      readonly teamId: string;
    };
export type PortRejection = { code: 'port-taken'; port: number };

/** One port of the routers leads to one app at a time, across all teams. */
export const port: Decider<PortState, PortCommand, PortEvent, PortRejection> = {
  initialState: { status: 'free' },
  decide: (command, state) => {
    switch (command.type) {
      case 'ReservePort': {
        const { port, appId, teamId } = command;
        if (state.status === 'free') {
          return accept({ type: 'PortReserved', v: 1, data: { port, appId, teamId } });
        }
        return state.appId === appId ? accept() : reject({ code: 'port-taken', port });
      }
      case 'ReleasePort':
        if (state.status === 'free' || state.appId !== command.appId) return accept();
        return accept({
          type: 'PortReleased',
          v: 1,
          data: { port: state.port, appId: state.appId },
        });
    }
  },
  evolve: (_state, event) =>
    event.type === 'PortReserved' ? { status: 'reserved', ...event.data } : { status: 'free' },
};
