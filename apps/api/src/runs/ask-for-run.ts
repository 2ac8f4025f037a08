import type { CommandContext } from '@shiplog/commands';
import type { ProcessContext } from '@shiplog/runtime';
import { z } from 'zod';

const answered = z.object({ runId: z.string(), position: z.string() });

/** Has the deployer start or end a run in the name of who asked. Resolves when that is in the log, and seen here. */
export const askForRun = async (
  { bus, feed }: Pick<ProcessContext, 'bus' | 'feed'>,
  operation: 'run-job' | 'stop-run',
  input: object,
  { actor, origin, reason, command }: CommandContext,
): Promise<z.infer<typeof answered>> => {
  const context = { actor, origin, reason, command };
  const answer = answered.parse(await bus.request('deployer', operation, { ...input, context }));
  await feed.reach(answer.position);
  return answer;
};
