import { Controller, Inject } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import type { ProcessContext } from '@shiplog/runtime';
import { cronJobName } from '@shiplog/events';
import { CronSchedule, ScheduleError } from '@shiplog/schedule';
import { ChangeApp } from '../apps/change-app.handler.js';
import { sequenceAt, type Reply } from '../http/answer.js';
import type { Admitted } from '../http/door.js';
import { Problem } from '../http/problem.js';
import { Admission, Handles } from '../http/route.decorator.js';
import { CONTEXT } from '../injection.js';
import { askForRun } from '../runs/ask-for-run.js';
import { ListCronJobs } from './cron.queries.js';
import * as routes from './cron.routes.js';

@Controller()
export class CronController {
  constructor(
    @Inject(CommandBus) private readonly commands: CommandBus,
    @Inject(QueryBus) private readonly queries: QueryBus,
    @Inject(CONTEXT) private readonly api: ProcessContext,
  ) {}

  @Handles(routes.listCronJobs)
  async list(
    @Admission() { app, documents }: Admitted<typeof routes.listCronJobs>,
  ): Reply<typeof routes.listCronJobs> {
    const body = await this.queries.execute(new ListCronJobs(documents, app.appId, Date.now()));
    return { body, position: await documents.position() };
  }

  @Handles(routes.setCronJob)
  async set(
    @Admission() { app, params, body, context }: Admitted<typeof routes.setCronJob>,
  ): Reply<typeof routes.setCronJob> {
    const job = nameOf(params.job);
    const nowMs = Date.now();
    const nextAt = firstDue(body.schedule, body.timeZone, nowMs);
    const since = new Date(nowMs).toISOString();
    const { position } = await this.commands.execute(
      new ChangeApp(app.appId, { type: 'SetCronJob', job, ...body, since }, context),
    );
    return { body: { sequence: sequenceAt(position), job, nextAt }, position };
  }

  @Handles(routes.removeCronJob)
  async remove(
    @Admission() { app, params, context }: Admitted<typeof routes.removeCronJob>,
  ): Reply<typeof routes.removeCronJob> {
    const { position } = await this.commands.execute(
      new ChangeApp(app.appId, { type: 'RemoveCronJob', job: params.job }, context),
    );
    return { body: { sequence: sequenceAt(position) }, position };
  }

  /** Runs are the deployer's: it is told who asked and why, and writes it down. */
  @Handles(routes.runCronJob)
  async run(
    @Admission() { app, params, context }: Admitted<typeof routes.runCronJob>,
  ): Reply<typeof routes.runCronJob> {
    const input = { appId: app.appId, job: params.job };
    const { position, runId } = await askForRun(this.api, 'run-job', input, context);
    return { body: { sequence: sequenceAt(position), run: runId }, position };
  }
}

/** It begins the ids of its runs: a stricter word than an id. */
const nameOf = (text: string): string => {
  const parsed = cronJobName.safeParse(text);
  if (parsed.success) return parsed.data;
  const message = `expected ${parsed.error.issues[0]?.message ?? 'a name'}`;
  throw new Problem('invalid-input', `path.job: ${message}.`, {
    errors: [{ path: 'path.job', message }],
  });
};

/** Refuses what is no schedule, and one that never comes. */
const firstDue = (schedule: string, timeZone: string, nowMs: number): string => {
  try {
    const next = new CronSchedule(schedule, timeZone).nextAfter(nowMs);
    if (next !== null) return new Date(next).toISOString();
  } catch (error) {
    if (error instanceof ScheduleError) throw invalid(error.part, error.message);
    throw error;
  }
  throw invalid('schedule', `"${schedule}" never comes: there is no such day`);
};

const invalid = (part: 'schedule' | 'timeZone', message: string): Problem => {
  const path = `body.${part}`;
  return new Problem('invalid-body', `${path}: ${message}.`, { errors: [{ path, message }] });
};
