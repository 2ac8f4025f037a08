import type { KeysEvent } from '@shiplog/events';
import { accept, reject, type Decider } from '../decider.js';

/** There is one key store. */
export const KEYS_ID = 'master';

export type KeysCommand =
  | { type: 'RequestRotation'; keyId: string; previousKeyId: string | null }
  | { type: 'RecordRotation'; keyId: string; previousKeyId: string | null; keys: number };
export type KeysRejection = { code: 'key-rotation-running'; keyId: string };
export interface KeysState {
  readonly status: 'known';
  /** Of the newest rotation; null as long as there was none. */
  readonly masterKeyId: string | null;
  /** Under way: requested and not recorded yet. */
  readonly rotation: { readonly keyId: string; readonly previousKeyId: string | null } | null;
}

export const keys: Decider<KeysState, KeysCommand, KeysEvent, KeysRejection> = {
  initialState: { status: 'known', masterKeyId: null, rotation: null },
  decide: (command, state) => {
    const { keyId, previousKeyId } = command;
    switch (command.type) {
      case 'RequestRotation':
        if (state.rotation !== null) {
          return reject({ code: 'key-rotation-running', keyId: state.rotation.keyId });
        }
        return accept({ type: 'MasterKeyRotationRequested', v: 1, data: { keyId, previousKeyId } });
      case 'RecordRotation':
        if (state.masterKeyId === keyId) return accept();
        return accept({
          type: 'MasterKeyRotated',
          v: 1,
          data: { keyId, previousKeyId, keys: command.keys },
        });
    }
  },
  evolve: (state, event) => {
    switch (event.type) {
      case 'MasterKeyRotationRequested':
        return { ...state, rotation: event.data };
      case 'MasterKeyRotated':
        return { status: 'known', masterKeyId: event.data.keyId, rotation: null };
    }
  },
};
