import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type { CronJobDocument, ReadModels } from '@shiplog/read-models';
import { CronSchedule, ScheduleError } from '@shiplog/schedule';
import type { z } from 'zod';
import { appDocument } from '../apps/apps.queries.js';
import { toRun } from '../runs/runs.queries.js';
import type { cronJobAnswer } from './cron.routes.js';

type CronJob = z.infer<typeof cronJobAnswer>;

export class ListCronJobs extends Query<CronJob[]> {
  constructor(
    readonly documents: ReadModels,
    readonly appId: string,
    readonly nowMs: number,
  ) {
    super();
  }
}

@QueryHandler(ListCronJobs)
export class ListCronJobsHandler implements IQueryHandler<ListCronJobs> {
  async execute({ documents, appId, nowMs }: ListCronJobs) {
    const { cronJobs } = await appDocument(documents, appId);
    return Promise.all(
      cronJobs.map(async (cron): Promise<CronJob> => {
        const [last] = await documents.runs({ appId, job: cron.job, limit: 1 });
        return {
          ...cron,
          command: [...cron.command],
          nextAt: nextOf(cron, nowMs),
          lastRun: last === undefined ? null : toRun(last),
        };
      }),
    );
  }
}

const nextOf = ({ schedule, timeZone }: CronJobDocument, nowMs: number): string | null => {
  try {
    const next = new CronSchedule(schedule, timeZone).nextAfter(nowMs);
    return next === null ? null : new Date(next).toISOString();
  } catch (error) {
    // It was one when it was set: by another version, or with other time zones.
    if (error instanceof ScheduleError) return null;
    throw error;
  }
};
