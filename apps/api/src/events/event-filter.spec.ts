import { World } from '@shiplog/domain';
import { expect, it } from 'vitest';
import { isWanted, type EventFilter } from './event-filter.js';

it('knows the app of a new push token from the event, before the world has seen it', () => {
  const event = {
    type: 'TokenCreated',
    v: 1,
    data: {
      tokenId: 't1',
      userId: 'u1',
      name: 'ci',
      hash: 'h',
      scope: { kind: 'push', appId: 'a1' },
      expiresAt: null,
    },
  } as const;
  const filter = (appId: string): EventFilter => ({
    caller: { administrator: true } as EventFilter['caller'],
    appId,
    types: undefined,
  });
  expect(isWanted(event as never, filter('a1'), new World())).toBe(true);
  expect(isWanted(event as never, filter('a2'), new World())).toBe(false);
});
