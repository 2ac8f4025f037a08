import type { CommandContext } from '@shiplog/commands';
import type { Gate, World } from '@shiplog/domain';
import { freezesOf, openFreezes } from './open-freezes.js';

/** What stands in the way of a change of this app now, and what of it the sender puts aside. */
export const gateOf = (
  world: Pick<World, 'get'>,
  appId: string,
  { overrides, isAdministrator }: Pick<CommandContext, 'overrides' | 'isAdministrator'>,
  nowMs: number,
): Gate => ({
  at: new Date(nowMs).toISOString(),
  frozen: openFreezes(freezesOf(world, appId), nowMs),
  overrides: overrides ?? { lock: false, freeze: false },
  isAdministrator: isAdministrator ?? false,
});
