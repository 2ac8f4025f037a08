import type { Explanation, RolloutEvent, RolloutStrategy } from '@shiplog/events';
import { accept, reject, type Decider } from '../decider.js';
import { AT_ONCE, isAtOnce } from './strategy.js';

export * from './forecast.js';
export * from './strategy.js';
export * from './traffic.js';

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
      strategy?: RolloutStrategy;
    }
  | { type: 'StepRollout'; step: number; percent: number; at: string }
  | { type: 'CompleteRollout' }
  | { type: 'FailRollout'; explanation: Explanation }
  | { type: 'CancelRollout'; cause: CancelCause };

export interface KnownRollout {
  readonly rolloutId: string;
  readonly appId: string;
  readonly generation: number;
  readonly version: number;
  readonly strategy: RolloutStrategy;
}
export type RolloutState =
  | { readonly status: 'none' }
  | (KnownRollout & {
      readonly status: 'running';
      readonly fromVersion: number | null;
      readonly deadline: string;
      /** The newest step; 0 before the first. */
      readonly step: number;
      /** When that step was reached. */
      readonly steppedAt: string | null;
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
      const { type: _, strategy, ...data } = command;
      const started = { type: 'RolloutStarted', v: 1, data } as const;
      if (strategy === undefined || isAtOnce(strategy)) return accept(started);
      const { rolloutId, appId, generation, version } = data;
      return accept<RolloutEvent>(started, {
        type: 'RolloutStrategySet',
        v: 2,
        data: { rolloutId, appId, generation, version, strategy },
      });
    }
    if (state.status !== 'running') {
      return reject({ code: 'rollout-not-running', status: state.status });
    }
    const { rolloutId, appId, generation, version } = state;
    const known = { rolloutId, appId, generation, version };
    switch (command.type) {
      case 'StepRollout': {
        const { step, percent, at } = command;
        if (step <= state.step) return accept();
        return accept({ type: 'RolloutStepped', v: 1, data: { ...known, step, percent, at } });
      }
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
  evolve: (state, event) => {
    const { rolloutId, appId, generation, version } = event.data;
    const strategy = state.status === 'none' ? AT_ONCE : state.strategy;
    const known = { rolloutId, appId, generation, version, strategy };
    switch (event.type) {
      case 'RolloutStarted':
        return {
          status: 'running',
          ...known,
          fromVersion: event.data.fromVersion,
          deadline: event.data.deadline,
          step: 0,
          steppedAt: null,
        };
      case 'RolloutStrategySet':
        return state.status === 'none' ? state : { ...state, strategy: event.data.strategy };
      case 'RolloutStepped':
        if (state.status !== 'running') return state;
        return { ...state, step: event.data.step, steppedAt: event.data.at };
      case 'RolloutCompleted':
        return { status: 'completed', ...known };
      case 'RolloutFailed':
        return { status: 'failed', ...known, explanation: event.data.explanation };
      case 'RolloutCancelled':
        return { status: 'cancelled', ...known, cause: event.data.cause };
    }
  },
};
