import type { TeamEvent, UserEvent } from '@shiplog/events';
import { accept, reject, type Decider } from '../decider.js';

export type UserCommand =
  | { type: 'CreateUser'; userId: string; name: string; administrator: boolean }
  | { type: 'ErasePerson' };
export type UserState =
  | { readonly status: 'none' }
  | {
      readonly status: 'active';
      readonly userId: string;
      readonly name: string;
      readonly administrator: boolean;
      /** How often what was recorded of this person was erased: each time they get a new key. */
      readonly erasures: number;
    };
export type UserRejection = { code: 'user-already-exists' } | { code: 'user-not-found' };

export const user: Decider<UserState, UserCommand, UserEvent, UserRejection> = {
  initialState: { status: 'none' },
  decide: (command, state) => {
    switch (command.type) {
      case 'CreateUser': {
        const { type: _, ...data } = command;
        if (state.status === 'none') return accept({ type: 'UserCreated', v: 1, data });
        return state.name === data.name ? accept() : reject({ code: 'user-already-exists' });
      }
      case 'ErasePerson':
        if (state.status === 'none') return reject({ code: 'user-not-found' });
        return accept({ type: 'PersonErased', v: 1, data: { userId: state.userId } });
    }
  },
  evolve: (state, event) => {
    switch (event.type) {
      case 'UserCreated':
        return { status: 'active', ...event.data, erasures: 0 };
      case 'PersonErased':
        return state.status === 'none' ? state : { ...state, erasures: state.erasures + 1 };
    }
  },
};

export type TeamCommand =
  | { type: 'CreateTeam'; teamId: string; name: string }
  | { type: 'AddTeamMember'; userId: string }
  | { type: 'RemoveKeptVolume'; appId: string; volumeId: string; name: string };
export type TeamState =
  | { readonly status: 'none' }
  | {
      readonly status: 'active';
      readonly teamId: string;
      readonly name: string;
      readonly members: readonly string[];
    };
export type TeamRejection = { code: 'team-not-found' } | { code: 'team-already-exists' };

export const team: Decider<TeamState, TeamCommand, TeamEvent, TeamRejection> = {
  initialState: { status: 'none' },
  decide: (command, state) => {
    switch (command.type) {
      case 'CreateTeam': {
        const { teamId, name } = command;
        if (state.status === 'none')
          return accept({ type: 'TeamCreated', v: 1, data: { teamId, name } });
        return state.name === name ? accept() : reject({ code: 'team-already-exists' });
      }
      case 'AddTeamMember':
        if (state.status === 'none') return reject({ code: 'team-not-found' });
        if (state.members.includes(command.userId)) return accept();
        return accept({
          type: 'TeamMemberAdded',
          v: 1,
          data: { teamId: state.teamId, userId: command.userId },
        });
      case 'RemoveKeptVolume': {
        if (state.status === 'none') return reject({ code: 'team-not-found' });
        const { type: _, ...data } = command;
        const { teamId } = state;
        return accept({ type: 'KeptVolumeRemoved', v: 1, data: { teamId, ...data } });
      }
    }
  },
  evolve: (state, event) => {
    switch (event.type) {
      case 'KeptVolumeRemoved':
        return state;
      case 'TeamCreated':
        return { status: 'active', ...event.data, members: [] };
      case 'TeamMemberAdded':
        return state.status === 'none'
          ? state
          : { ...state, members: [...state.members, event.data.userId] };
    }
  },
};
