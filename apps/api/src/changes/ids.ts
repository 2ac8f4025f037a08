import { createHash, randomBytes } from 'node:crypto';
import type { CommandContext } from '@shiplog/commands';

/**
 * The id of what a request creates: derived from its Idempotency-Key, so that the same request makes
 * the same thing, or random without one. The prefix has a "_", which no name has.
 */
export const newIdFor = (
  prefix: 'app' | 'bld' | 'tok' | 'vol',
  context: CommandContext,
): string => {
  const command = context.command ?? null;
  const hex =
    command === null
      ? randomBytes(12).toString('hex')
      : createHash('sha256').update(`${prefix}\n${command.id}`).digest('hex').slice(0, 24);
  return `${prefix}_${hex}`;
};
