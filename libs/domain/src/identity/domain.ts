import type { DomainEvent } from '@shiplog/events';
import { accept, reject, type Decider } from '../decider.js';

export type DomainCommand =
  | { type: 'ReserveDomain'; host: string; appId: string; teamId: string }
  | { type: 'ReleaseDomain'; appId: string };
export type DomainState =
  | { readonly status: 'free' }
  | {
      readonly status: 'reserved';
      readonly host: string;
      readonly appId: string;
      readonly teamId: string;
    };
export type DomainRejection = { code: 'domain-taken'; host: string };

/** One domain belongs to one app at a time, across all teams. */
export const domain: Decider<DomainState, DomainCommand, DomainEvent, DomainRejection> = {
  initialState: { status: 'free' },
  decide: (command, state) => {
    switch (command.type) {
      case 'ReserveDomain': {
        const { host, appId, teamId } = command;
        if (state.status === 'free') {
          return accept({ type: 'DomainReserved', v: 2, data: { host, appId, teamId } });
        }
        return state.appId === appId ? accept() : reject({ code: 'domain-taken', host });
      }
      case 'ReleaseDomain':
        if (state.status === 'free' || state.appId !== command.appId) return accept();
        return accept({
          type: 'DomainReleased',
          v: 2,
          data: { host: state.host, appId: state.appId },
        });
    }
  },
  evolve: (state, event) => {
    switch (event.type) {
      case 'DomainReserved':
        return { status: 'reserved', ...event.data };
      case 'DomainReleased':
        return { status: 'free' };
    }
  },
};
