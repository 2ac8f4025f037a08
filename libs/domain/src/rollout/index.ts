import type { Explanation, RolloutEvent } from '@shiplog/events';
import { accept, reject, type Decider } from '../decider.js';

export type CancelCause = 'asked' | 'superseded' | 'app-stopped' | 'app-destroyed';
export type RolloutCommand =
  | {
      type: 'StartRollout';
      rolloutId: string;
      appId: string;
      generation: number;
      version: number;
      fromVersion: number | null;
      deadline: string;
    }
  | { type: 'CompleteRollout' }
  | { type: 'FailRollout'; explanation: Explanation }
  | { type: 'CancelRollout'; cause: CancelCause };

export interface KnownRollout {
  readonly rolloutId: string;
  readonly appId: string;
  readonly generation: number;
  readonly version: number;
}
export type RolloutState =
  | { readonly status: 'none' }
  | (KnownRollout & {
      readonly status: 'running';
      readonly fromVersion: number | null;
      readonly deadline: string;
    })
  | (KnownRollout & { readonly status: 'completed' })
  | (KnownRollout & { readonly status: 'failed'; readonly explanation: Explanation })
  | (KnownRollout & { readonly status: 'cancelled'; readonly cause: CancelCause });
export type RolloutRejection = { code: 'rollout-not-running'; status: RolloutState['status'] };

/** Known before it exists, so that everybody can wait for it and nothing is rolled out twice. */
export const rolloutIdOf = (appId: string, generation: number): string => `${appId}-g${generation}`;

export const rollout: Decider<RolloutState, RolloutCommand, RolloutEvent, RolloutRejection> = {
  initialState: { status: 'none' },
  decide: (command, state) => {
    if (command.type === 'StartRollout') {
      if (state.status !== 'none') return accept();
      const { type: _, ...data } = command;
      return accept({ type: 'RolloutStarted', v: 1, data });
    }
    if (state.status !== 'running') {
      return reject({ code: 'rollout-not-running', status: state.status });
    }
    const { rolloutId, appId, generation, version } = state;
    const known = { rolloutId, appId, generation, version };
    switch (command.type) {
      case 'CompleteRollout':
        return accept({ type: 'RolloutCompleted', v: 1, data: known });
      case 'FailRollout':
        return accept({
          type: 'RolloutFailed',
          v: 1,
          data: { ...known, explanation: command.explanation },
        });
      case 'CancelRollout':
        return accept({ type: 'RolloutCancelled', v: 1, data: { ...known, cause: command.cause } });
    }
  },
  evolve: (_state, event) => {
    const { rolloutId, appId, generation, version } = event.data;
    const known = { rolloutId, appId, generation, version };
    switch (event.type) {
      case 'RolloutStarted':
        return {
          status: 'running',
          ...known,
          fromVersion: event.data.fromVersion,
          deadline: event.data.deadline,
        };
      case 'RolloutCompleted':
        return { status: 'completed', ...known };
      case 'RolloutFailed':
        return { status: 'failed', ...known, explanation: event.data.explanation };
      case 'RolloutCancelled':
        return { status: 'cancelled', ...known, cause: event.data.cause };
    }
  },
};
