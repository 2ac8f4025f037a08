import { Controller, Inject, Res } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { appTraffic } from '@shiplog/domain';
import type { ProcessContext } from '@shiplog/runtime';
import type { Response } from 'express';
import type { Reply } from '../http/answer.js';
import type { Admitted } from '../http/door.js';
import { sendLines } from '../http/ndjson.js';
import { Problem } from '../http/problem.js';
import { Admission, Handles } from '../http/route.decorator.js';
import { CONTEXT } from '../injection.js';
import { openAccessLog } from './access-log-lines.js';
import { openAppLog } from './app-log-lines.js';
import { ListInstances } from './instances.queries.js';
import * as routes from './instances.routes.js';
import { operationLines, startLines } from './operation-lines.js';
import { platformLogLines } from './platform-log-lines.js';

@Controller()
export class InstancesController {
  constructor(
    @Inject(QueryBus) private readonly queries: QueryBus,
    @Inject(CONTEXT) private readonly api: ProcessContext,
  ) {}

  @Handles(routes.listInstances)
  async list(
    @Admission() { app, documents }: Admitted<typeof routes.listInstances>,
  ): Reply<typeof routes.listInstances> {
    const body = await this.queries.execute(new ListInstances(documents, app.appId));
    return { body, position: await documents.position() };
  }

  @Handles(routes.readLogs)
  async logs(
    @Admission() { app, query, caller, documents }: Admitted<typeof routes.readLogs>,
    @Res() response: Response,
  ): Promise<void> {
    const { appId } = app;
    const { tail, follow, instance, process } = query;
    const watched = { world: this.api.world, caller };
    if (instance !== undefined) await this.refuseUnknown(documents, appId, instance);
    if (query.type === 'app') {
      const lines = await openAppLog(this.api.bus, { appId, process, instance, tail, follow });
      return sendLines(response, watched, lines);
    }
    if (query.type === 'access') {
      const lines = await openAccessLog(this.api.bus, { appId, instance, tail, follow });
      return sendLines(response, watched, lines);
    }
    const linesOf = query.type === 'start' ? startLines : operationLines;
    const request = { appId, tail, follow, documents, linesOf };
    return sendLines(response, watched, (signal) => platformLogLines(this.api, request, signal));
  }

  @Handles(routes.showTraffic)
  async traffic(
    @Admission() { app, documents }: Admitted<typeof routes.showTraffic>,
  ): Reply<typeof routes.showTraffic> {
    const answer = await this.api.bus.request('router-sync', 'traffic', { appId: app.appId });
    return { body: appTraffic.parse(answer), position: await documents.position() };
  }

  private async refuseUnknown(
    documents: Admitted['documents'],
    appId: string,
    instanceId: string,
  ): Promise<void> {
    const isRunning = this.api.world
      .instancesOf(appId)
      .some((one) => one.instanceId === instanceId);
    if (isRunning || (await documents.instance(instanceId))?.appId === appId) return;
    if ((await documents.run(instanceId))?.appId === appId) return;
    throw new Problem(
      'instance-not-found',
      `The app has no instance and no run ${instanceId}. \`shiplog ps\` and \`shiplog runs list\` show what there is.`,
    );
  }
}
