import type { GarbageEvent } from '@shiplog/events';
import { accept, type Decider } from '../decider.js';

export type GarbageItem = Extract<
  GarbageEvent,
  { type: 'GarbageCollected' }
>['data']['items'][number];
export type GarbageCommand =
  | { type: 'RecordCollected'; nodeId: string; items: readonly GarbageItem[] }
  | { type: 'ChangePolicy'; nodeId: string; exitedKept: number; minimumAgeSeconds: number };
export interface GarbageState {
  readonly status: 'known';
  /** Newest exited containers kept per app and process. */
  readonly exitedKept: number;
  /** Younger ones are never touched. */
  readonly minimumAgeSeconds: number;
}

export const garbage: Decider<GarbageState, GarbageCommand, GarbageEvent, never> = {
  initialState: { status: 'known', exitedKept: 3, minimumAgeSeconds: 600 },
  decide: (command, state) => {
    switch (command.type) {
      case 'RecordCollected':
        if (command.items.length === 0) return accept();
        return accept({
          type: 'GarbageCollected',
          v: 1,
          data: { nodeId: command.nodeId, items: [...command.items] },
        });
      case 'ChangePolicy': {
        const { nodeId, exitedKept, minimumAgeSeconds } = command;
        if (exitedKept === state.exitedKept && minimumAgeSeconds === state.minimumAgeSeconds) {
          return accept();
        }
        return accept({
          type: 'GarbagePolicyChanged',
          v: 1,
          data: { nodeId, exitedKept, minimumAgeSeconds },
        });
      }
    }
  },
  evolve: (state, event) => {
    switch (event.type) {
      case 'GarbageCollected':
        return state;
      case 'GarbagePolicyChanged':
        return {
          status: 'known',
          exitedKept: event.data.exitedKept,
          minimumAgeSeconds: event.data.minimumAgeSeconds,
        };
    }
  },
};
