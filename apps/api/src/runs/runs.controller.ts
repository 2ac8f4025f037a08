import { Controller, Inject } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import type { ProcessContext } from '@shiplog/runtime';
import { sequenceAt, type Reply } from '../http/answer.js';
import type { Admitted } from '../http/door.js';
import { Admission, Handles } from '../http/route.decorator.js';
import { CONTEXT } from '../injection.js';
import { askForRun } from './ask-for-run.js';
import { ListRuns, ShowRun } from './runs.queries.js';
import * as routes from './runs.routes.js';

@Controller()
export class RunsController {
  constructor(
    @Inject(QueryBus) private readonly queries: QueryBus,
    @Inject(CONTEXT) private readonly api: ProcessContext,
  ) {}

  @Handles(routes.listRuns)
  async list(
    @Admission() { app, query, documents }: Admitted<typeof routes.listRuns>,
  ): Reply<typeof routes.listRuns> {
    const { limit, job } = query;
    const body = await this.queries.execute(new ListRuns(documents, app.appId, { limit, job }));
    return { body, position: await documents.position() };
  }

  @Handles(routes.showRun)
  async show(
    @Admission() { app, params, documents }: Admitted<typeof routes.showRun>,
  ): Reply<typeof routes.showRun> {
    const body = await this.queries.execute(new ShowRun(documents, app.appId, params.run));
    return { body, position: await documents.position() };
  }

  /** Runs are the deployer's: it is told who asked and why, and writes it down. */
  @Handles(routes.stopRun)
  async stop(
    @Admission() { app, params, context }: Admitted<typeof routes.stopRun>,
  ): Reply<typeof routes.stopRun> {
    const input = { appId: app.appId, runId: params.run };
    const { position } = await askForRun(this.api, 'stop-run', input, context);
    return { body: { sequence: sequenceAt(position), run: params.run }, position };
  }
}
