import { createHash, randomBytes } from 'node:crypto';
import type { CommandContext, CommandResult } from '@shiplog/commands';
import { actor, origin } from '@shiplog/events';
import { z } from 'zod';
import type { Workbench } from '../containers/workbench.js';
import { RpcProblem } from './problem.js';

const context = z.object({
  actor,
  origin: origin.nullish(),
  reason: z.string().nullish(),
  command: z.object({ id: z.string(), digest: z.string() }).nullish(),
});
export const runJobInput = z.object({ appId: z.string(), job: z.string(), context });
export const stopRunInput = z.object({ appId: z.string(), runId: z.string(), context });

interface Answer {
  readonly runId: string;
  readonly position: string;
}

/** Runs a cron job now. In the name of who asked: this process writes the stream, the api has checked that they may. */
export const runJob = async (
  { context: { commands, config, world } }: Workbench,
  { appId, job, context: asked }: z.infer<typeof runJobInput>,
): Promise<Answer> => {
  const app = world.app(appId);
  if (app === undefined) throw new RpcProblem('app-not-found', 'there is no such app');
  const definition = Object.hasOwn(app.cronJobs, job) ? app.cronJobs[job] : undefined;
  if (definition === undefined) {
    throw new RpcProblem('cron-job-not-found', `${app.name} has no cron job ${job}`);
  }
  const live = world.liveOf(appId);
  if (live === null) {
    throw new RpcProblem('nothing-deployed', `${app.name} has no release that ever went live`);
  }
  const runId = `${job}-${suffixOf(asked.command?.id)}`;
  const result = await commands.handle(
    'run',
    runId,
    {
      type: 'ScheduleRun',
      runId,
      appId,
      kind: 'cron',
      version: live.release.version,
      nodeId: config.nodeId,
      command: [...definition.command],
      rolloutId: null,
      job,
      scheduledFor: null,
      missed: 0,
      timeoutSeconds: definition.timeoutSeconds,
      detached: true,
    },
    by(asked),
  );
  return { runId, position: positionOf(result) };
};

/** Asks a run to end; the rounds carry it out. */
export const stopRun = async (
  { context: { commands, world } }: Workbench,
  { appId, runId, context: asked }: z.infer<typeof stopRunInput>,
): Promise<Answer> => {
  const run = world.run(runId);
  if (run === undefined || run.appId !== appId || run.status === 'ended') {
    throw new RpcProblem('run-not-open', `run ${runId} is over, or there is no such run`);
  }
  const command = { type: 'StopRun', cause: 'asked' } as const;
  return { runId, position: positionOf(await commands.handle('run', runId, command, by(asked))) };
};

/** The same request once more is the same run. */
const suffixOf = (commandId: string | undefined): string =>
  commandId === undefined
    ? randomBytes(10).toString('hex')
    : createHash('sha256').update(commandId).digest('hex').slice(0, 20);

const by = (asked: z.infer<typeof context>): CommandContext => ({
  actor: asked.actor,
  origin: asked.origin ?? null,
  reason: asked.reason ?? null,
  command: asked.command ?? null,
});

const positionOf = (result: CommandResult<'run'>): string => {
  if (result.outcome === 'accepted' || result.outcome === 'repeated') return result.position;
  const code = result.outcome === 'rejected' ? result.rejection.code : result.outcome;
  throw new RpcProblem(code, 'the run is over');
};
