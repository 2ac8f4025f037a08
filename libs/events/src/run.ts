import { z } from 'zod';
import { defineEvent } from './event.js';
import { cronJobName, id } from './ids.js';

const moment = z.iso.datetime();

/** Why a run was told to end before it ended by itself. */
export const runStopCause = z.enum([
  'asked',
  /** It took longer than it may. */
  'deadline',
  /** Its deploy ended otherwise, or a newer one took its place. */
  'deploy-ended',
  /** The next one of its job is due, and takes its place. */
  'replaced',
  'app-destroyed',
  /** Nobody is at its terminal any more. */
  'abandoned',
]);

/**
 * One command that runs once in a container of its own, with the image and config of a release: the release
 * command of a deploy, a due cron job, or what somebody typed. The stream of each begins before its
 * container exists, so that a repetition finds its own work by the run id.
 */
export const runEvent = z.discriminatedUnion('type', [
  defineEvent('RunScheduled', 1, {
    runId: id,
    appId: id,
    kind: z.enum(['release', 'cron', 'command']),
    version: z.number().int().min(1),
    nodeId: id,
    /** Null where somebody typed it: there may be secrets in it. */
    command: z.array(z.string().max(4096)).min(1).max(64).nullable(),
    /** Of a release command: the deploy that waits for it. */
    rolloutId: id.nullable(),
    job: cronJobName.nullable(),
    /** When the job was due; null where somebody asked for it. */
    scheduledFor: moment.nullable(),
    /** Due times before this one that passed without a run: nobody was there to start it. */
    missed: z.number().int().nonnegative(),
    /** How long it may take, from its start. */
    timeoutSeconds: z.number().int().min(1).nullable(),
    /** Nobody waits at its terminal. */
    detached: z.boolean(),
  }),
  defineEvent('RunStarted', 1, {
    runId: id,
    appId: id,
    containerId: z.string().regex(/^[0-9a-f]{12,64}$/),
    /** The engine's own time. */
    startedAt: moment,
  }),
  /** From here on it is being ended: SIGTERM, grace, SIGKILL. */
  defineEvent('RunStopping', 1, { runId: id, appId: id, cause: runStopCause }),
  defineEvent('RunEnded', 1, {
    runId: id,
    appId: id,
    /**
     * `stopped`: it was told to end. `skipped`: it was due and not started. `refused`: the engine would
     * not start it. `lost`: its container is gone, and nobody knows how it ended.
     */
    outcome: z.enum(['succeeded', 'failed', 'stopped', 'skipped', 'refused', 'lost']),
    exitCode: z.number().int().nullable(),
    oomKilled: z.boolean(),
    /** Why it was stopped, skipped or refused, in one stable word. */
    cause: z.string().max(64).nullable(),
    /** In the engine's words, where there are any. */
    detail: z.string().max(2000).nullable(),
    endedAt: moment.nullable(),
    /** The last lines it wrote: they outlive its container. Config values are blotted out. */
    logLines: z.array(z.string().max(2000)).max(50),
  }),
]);
export type RunEvent = z.infer<typeof runEvent>;
export type RunStopCause = z.infer<typeof runStopCause>;
