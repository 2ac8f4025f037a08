import type { NameEvent } from '@shiplog/events';
import { accept, reject, type Decider } from '../decider.js';

export type NameCommand =
  | { type: 'ReserveName'; name: string; appId: string; teamId: string }
  | { type: 'ReleaseName'; appId: string };
export type NameState =
  | { readonly status: 'free' }
  | {
      readonly status: 'reserved';
      readonly name: string;
      readonly appId: string;
      readonly teamId: string;
    };
export type NameRejection = { code: 'name-taken'; name: string };

/** Makes a name unique: its stream is the lock, and the log's own concurrency check the referee. */
export const name: Decider<NameState, NameCommand, NameEvent, NameRejection> = {
  initialState: { status: 'free' },
  decide: (command, state) => {
    switch (command.type) {
      case 'ReserveName': {
        const { name, appId, teamId } = command;
        if (state.status === 'free') {
          return accept({ type: 'NameReserved', v: 1, data: { name, appId, teamId } });
        }
        return state.appId === appId ? accept() : reject({ code: 'name-taken', name });
      }
      case 'ReleaseName':
        if (state.status === 'free' || state.appId !== command.appId) return accept();
        return accept({
          type: 'NameReleased',
          v: 1,
          data: { name: state.name, appId: state.appId },
        });
    }
  },
  evolve: (state, event) => {
    switch (event.type) {
      case 'NameReserved':
        return { status: 'reserved', ...event.data };
      case 'NameReleased':
        return { status: 'free' };
    }
  },
};
