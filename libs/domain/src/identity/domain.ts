import type { DomainEvent } from '@shiplog/events';
import { accept, reject, type Decider } from '../decider.js';

export interface DomainLook {
  readonly outcome: 'verified' | 'failed';
  /** What was found instead; null where it was found. */
  readonly reason: string | null;
  readonly at: string;
}
export type DomainCommand =
  | {
      type: 'ReserveDomain';
      host: string;
      appId: string;
      teamId: string;
      /** Absent: nobody has to prove anything. */
      proof?: { since: string; until: string };
    }
  | { type: 'RecordDomainLook'; appId: string; look: DomainLook }
  | { type: 'ReleaseDomain'; appId: string };
export type DomainState =
  | { readonly status: 'free' }
  | {
      readonly status: 'reserved';
      readonly host: string;
      readonly appId: string;
      readonly teamId: string;
      /** Null: none was demanded. */
      readonly proof: {
        readonly status: 'pending' | 'failed' | 'verified';
        readonly since: string;
        /** Not proven until then, it is given up. */
        readonly until: string;
        readonly lastLook: DomainLook | null;
      } | null;
    };
export type DomainRejection = { code: 'domain-taken'; host: string };

/** One domain belongs to one app at a time, across all teams. */
export const domain: Decider<DomainState, DomainCommand, DomainEvent, DomainRejection> = {
  initialState: { status: 'free' },
  decide: (command, state) => {
    switch (command.type) {
      case 'ReserveDomain': {
        const { host, appId, teamId, proof } = command;
        if (state.status === 'free') {
          const data = { host, appId, teamId };
          const reserved = { type: 'DomainReserved', v: 2, data } as const;
          if (proof === undefined) return accept<DomainEvent>(reserved);
          const demanded = { host, appId, ...proof };
          return accept<DomainEvent>(reserved, {
            type: 'DomainProofDemanded',
            v: 1,
            data: demanded,
          });
        }
        return state.appId === appId ? accept() : reject({ code: 'domain-taken', host });
      }
      case 'RecordDomainLook': {
        const { appId, look } = command;
        if (state.status === 'free' || state.appId !== appId || state.proof === null) {
          return accept();
        }
        return accept({ type: 'DomainLookedUp', v: 1, data: { host: state.host, appId, ...look } });
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
        return { status: 'reserved', ...event.data, proof: null };
      case 'DomainProofDemanded': {
        if (state.status === 'free') return state;
        const { since, until } = event.data;
        return { ...state, proof: { status: 'pending', since, until, lastLook: null } };
      }
      case 'DomainLookedUp': {
        if (state.status === 'free' || state.proof === null) return state;
        const { outcome, reason, at } = event.data;
        // Proven once, it stays so: the record need not stay for ever.
        const status = state.proof.status === 'verified' ? 'verified' : outcome;
        return { ...state, proof: { ...state.proof, status, lastLook: { outcome, reason, at } } };
      }
      case 'DomainReleased':
        return { status: 'free' };
    }
  },
};
