import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type { ReadModels, RunDocument } from '@shiplog/read-models';
import type { z } from 'zod';
import { Problem } from '../http/problem.js';
import type { run } from './runs.routes.js';

export type Run = z.infer<typeof run>;

export class ListRuns extends Query<Run[]> {
  constructor(
    readonly documents: ReadModels,
    readonly appId: string,
    readonly filter: { readonly limit: number; readonly job: string | undefined },
  ) {
    super();
  }
}

@QueryHandler(ListRuns)
export class ListRunsHandler implements IQueryHandler<ListRuns> {
  async execute({ documents, appId, filter: { limit, job } }: ListRuns) {
    const filter = { appId, limit, ...(job === undefined ? {} : { job }) };
    return (await documents.runs(filter)).map(toRun);
  }
}

export class ShowRun extends Query<Run> {
  constructor(
    readonly documents: ReadModels,
    readonly appId: string,
    readonly runId: string,
  ) {
    super();
  }
}

@QueryHandler(ShowRun)
export class ShowRunHandler implements IQueryHandler<ShowRun> {
  async execute({ documents, appId, runId }: ShowRun) {
    const document = await documents.run(runId);
    if (document?.appId === appId) return toRun(document);
    throw new Problem(
      'run-not-found',
      `The app has no run ${runId}. \`shiplog runs list\` shows its newest ones.`,
    );
  }
}

export const toRun = (document: RunDocument): Run => ({
  id: document.id,
  kind: document.kind,
  state: document.state,
  release: document.version,
  command: document.command === null ? null : [...document.command],
  job: document.job,
  deployId: document.rolloutId,
  scheduledFor: document.scheduledFor,
  missed: document.missed,
  detached: document.detached,
  createdAt: document.scheduledAt,
  startedAt: document.startedAt,
  stoppingAt: document.stoppingAt,
  endedAt: document.endedAt,
  exitCode: document.exitCode,
  oomKilled: document.oomKilled,
  cause: document.cause,
  detail: document.detail,
  lastLines: [...document.logLines],
});
