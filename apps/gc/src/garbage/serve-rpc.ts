import type { CommandContext } from '@shiplog/commands';
import { actor, origin } from '@shiplog/events';
import type { ProcessContext } from '@shiplog/runtime';
import { z } from 'zod';
import type { Collector } from './collector.js';

const policyInput = z.object({
  exitedKept: z.number().int().min(0).max(1000),
  minimumAgeSeconds: z.number().int().min(0),
  context: z.object({
    actor,
    origin: origin.nullish(),
    reason: z.string().nullish(),
    command: z.object({ id: z.string(), digest: z.string() }).nullish(),
  }),
});

class RefusedError extends Error {
  constructor(readonly code: string) {
    super(`the policy was not changed: ${code}`);
    this.name = 'RefusedError';
  }
}

/** Answers the api: what would go, let it go, keep more or less of it. Returns the way to end it. */
export const serveRpc = (context: ProcessContext, collector: Collector): (() => void) => {
  const ends = [
    context.bus.serve('health', () => Promise.resolve({ ok: true, summary: 'collects garbage' })),
    context.bus.serve('preview', async () => ({ items: await collector.preview() })),
    context.bus.serve('run', async () => ({ items: await collector.collect() })),
    context.bus.serve('policy', (input) => changePolicy(context, policyInput.parse(input))),
  ];
  return () => {
    for (const end of ends) end();
  };
};

/** In the name of who asked: this process writes the stream, the api has checked that they may. */
const changePolicy = async (
  { commands, config: { nodeId } }: ProcessContext,
  { exitedKept, minimumAgeSeconds, context: asked }: z.infer<typeof policyInput>,
): Promise<{ position: string }> => {
  const by: CommandContext = {
    actor: asked.actor,
    origin: asked.origin ?? null,
    reason: asked.reason ?? null,
    command: asked.command ?? null,
  };
  const command = { type: 'ChangePolicy', nodeId, exitedKept, minimumAgeSeconds } as const;
  const result = await commands.handle('garbage', nodeId, command, by);
  if (result.outcome === 'accepted' || result.outcome === 'repeated') {
    return { position: result.position };
  }
  throw new RefusedError(result.outcome);
};
