import type { Freeze, FreezeEvent } from '@shiplog/events';
import { isSameValue } from '../app/resources.js';
import { accept, reject, type Decider } from '../decider.js';

/** The stream of the windows that count for all apps; those of one app have the app's id. */
export const PLATFORM_FREEZES = 'platform';
export const FREEZE_COUNT_MAX = 50;

export type FreezeCommand =
  | ({ type: 'AddFreeze'; appId: string | null; freeze: string } & Freeze)
  | { type: 'RemoveFreeze'; appId: string | null; freeze: string };

export type FreezeRejection =
  | { code: 'freeze-exists'; freeze: string }
  | { code: 'freeze-not-found'; freeze: string; known: readonly string[] }
  | { code: 'too-many-freezes'; limit: number };

export interface FreezeState {
  readonly status: 'known';
  /** By name. */
  readonly freezes: Readonly<Record<string, Freeze>>;
}

/** Windows in which nothing makes or moves releases. */
export const freeze: Decider<FreezeState, FreezeCommand, FreezeEvent, FreezeRejection> = {
  initialState: { status: 'known', freezes: {} },
  decide: (command, { freezes }) => {
    const { appId, freeze: name } = command;
    const known = Object.hasOwn(freezes, name) ? freezes[name] : undefined;
    if (command.type === 'RemoveFreeze') {
      return known === undefined
        ? reject({ code: 'freeze-not-found', freeze: name, known: Object.keys(freezes) })
        : accept({ type: 'FreezeRemoved', v: 1, data: { appId, freeze: name } });
    }
    const { window, timeZone, why } = command;
    if (known !== undefined) {
      return isSameFreeze(known, command)
        ? accept()
        : reject({ code: 'freeze-exists', freeze: name });
    }
    if (Object.keys(freezes).length >= FREEZE_COUNT_MAX) {
      return reject({ code: 'too-many-freezes', limit: FREEZE_COUNT_MAX });
    }
    return accept({
      type: 'FreezeAdded',
      v: 1,
      data: { appId, freeze: name, window, timeZone, why },
    });
  },
  evolve: (state, event) => {
    const { freeze: name } = event.data;
    const others = Object.entries(state.freezes).filter(([one]) => one !== name);
    if (event.type === 'FreezeRemoved') return { ...state, freezes: Object.fromEntries(others) };
    const { window, timeZone, why } = event.data;
    const all = [...others, [name, { window, timeZone, why }] as const];
    return { ...state, freezes: Object.fromEntries(all.toSorted(([a], [b]) => (a < b ? -1 : 1))) };
  },
};

export const isSameFreeze = (a: Freeze, b: Freeze): boolean =>
  a.timeZone === b.timeZone && a.why === b.why && isSameValue(a.window, b.window);
