import { describe, expect, it } from 'vitest';
import type { FreezeEvent } from '@shiplog/events';
import { given } from '../testing/index.js';
import { freeze, FREEZE_COUNT_MAX } from './index.js';

const weekend = {
  appId: null,
  freeze: 'weekend',
  window: { kind: 'weekly', from: 'FRI 16:00', until: 'MON 08:00' },
  timeZone: 'Europe/Berlin',
  why: 'nobody is there',
} as const;
const added: FreezeEvent = { type: 'FreezeAdded', v: 1, data: weekend };
const removed: FreezeEvent = {
  type: 'FreezeRemoved',
  v: 1,
  data: { appId: null, freeze: 'weekend' },
};
const add = { type: 'AddFreeze', ...weekend } as const;
const remove = { type: 'RemoveFreeze', appId: null, freeze: 'weekend' } as const;

describe('freeze windows', () => {
  it('are added once, and a name stands for one', () => {
    given(freeze)().when(add).then(added);
    given(freeze)(added).when(add).thenNothing();
    given(freeze)(added)
      .when({ ...add, timeZone: 'UTC' })
      .thenRejected({ code: 'freeze-exists', freeze: 'weekend' });
    given(freeze)(added, removed).when(add).then(added);
  });

  it('are removed, which of one that is not there is refused with those that are', () => {
    given(freeze)(added).when(remove).then(removed);
    given(freeze)(added)
      .when({ ...remove, freeze: 'constructor' })
      .thenRejected({ code: 'freeze-not-found', freeze: 'constructor', known: ['weekend'] });
  });

  it('are not without end', () => {
    const many = Array.from({ length: FREEZE_COUNT_MAX }, (_, i): FreezeEvent => ({
      ...added,
      data: { ...weekend, freeze: `f${i}` },
    }));
    given(freeze)(...many)
      .when(add)
      .thenRejected({ code: 'too-many-freezes', limit: FREEZE_COUNT_MAX });
    expect(many).toHaveLength(FREEZE_COUNT_MAX);
  });
});
