import type { TokenEvent, TokenScope } from '@shiplog/events';
import { accept, reject, type Decider } from '../decider.js';

export type TokenCommand =
  | {
      type: 'CreateToken';
      tokenId: string;
      userId: string;
      name: string;
      hash: string;
      scope: TokenScope;
      expiresAt: string | null;
    }
  | { type: 'RevokeToken' };
export interface IssuedToken {
  readonly status: 'active' | 'revoked';
  readonly tokenId: string;
  readonly userId: string;
  readonly name: string;
  readonly hash: string;
  readonly scope: TokenScope;
  readonly expiresAt: string | null;
}
export type TokenState = { readonly status: 'none' } | IssuedToken;
export type TokenRejection = { code: 'token-not-found' } | { code: 'token-already-exists' };

export const token: Decider<TokenState, TokenCommand, TokenEvent, TokenRejection> = {
  initialState: { status: 'none' },
  decide: (command, state) => {
    switch (command.type) {
      case 'CreateToken': {
        const { type: _, ...data } = command;
        if (state.status !== 'none') return reject({ code: 'token-already-exists' });
        return accept({ type: 'TokenCreated', v: 1, data });
      }
      case 'RevokeToken':
        if (state.status === 'none') return reject({ code: 'token-not-found' });
        if (state.status === 'revoked') return accept();
        return accept({ type: 'TokenRevoked', v: 1, data: { tokenId: state.tokenId } });
    }
  },
  evolve: (state, event) => {
    switch (event.type) {
      case 'TokenCreated':
        return { status: 'active', ...event.data };
      case 'TokenRevoked':
        return state.status === 'none' ? state : { ...state, status: 'revoked' };
    }
  },
};

/** May this token be used at this moment? Expiry is read from the wall clock of the caller. */
export const isTokenUsable = (state: TokenState, nowMs: number): state is IssuedToken =>
  state.status === 'active' && (state.expiresAt === null || Date.parse(state.expiresAt) > nowMs);
