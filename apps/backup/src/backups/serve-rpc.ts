import type { CommandContext } from '@shiplog/commands';
import { actor, origin } from '@shiplog/events';
import type { ProcessContext } from '@shiplog/runtime';
import { z } from 'zod';
import type { Backups } from './backups.js';

const asked = z.object({
  actor,
  origin: origin.nullish(),
  reason: z.string().nullish(),
  command: z.object({ id: z.string(), digest: z.string() }).nullish(),
});

const createInput = z.object({
  target: z.string().optional(),
  withVolumes: z.boolean(),
  context: asked,
});
const listInput = z.object({ target: z.string().optional() });
const verifyInput = z.object({ backupId: z.string().optional(), target: z.string().optional() });
const progressInput = z.object({ job: z.string(), from: z.number().int().nonnegative() });
const policyInput = z.object({
  schedule: z.string(),
  target: z.string().nullable(),
  keep: z.string().nullable(),
  context: asked,
});

/** Answers the api. Returns the way to end it. */
export const serveRpc = ({ bus }: ProcessContext, backups: Backups): (() => void) => {
  const ends = [
    bus.serve('health', () => Promise.resolve({ ok: true, summary: 'makes backups' })),
    bus.serve('create', (input) => {
      const { target, withVolumes, context } = createInput.parse(input);
      return backups.start({ target, withVolumes, cause: 'asked' }, inTheNameOf(context));
    }),
    bus.serve('list', (input) => backups.list(listInput.parse(input).target)),
    bus.serve('verify', async (input) => backups.verify(verifyInput.parse(input))),
    bus.serve('progress', (input) => {
      const { job, from } = progressInput.parse(input);
      return Promise.resolve({ lines: backups.jobs.lines(job, from) ?? null });
    }),
    bus.serve('policy', (input) => {
      const { context, ...policy } = policyInput.parse(input);
      return backups.changePolicy(policy, inTheNameOf(context));
    }),
  ];
  return () => {
    for (const end of ends) end();
  };
};

/** This process writes the stream; the api has checked that they may. */
const inTheNameOf = (context: z.infer<typeof asked>): CommandContext => ({
  actor: context.actor,
  origin: context.origin ?? null,
  reason: context.reason ?? null,
  command: context.command ?? null,
});
