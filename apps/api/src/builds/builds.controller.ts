import { Controller, Inject, Req, Res } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import type { CommandContext } from '@shiplog/commands';
import { gateRejection } from '@shiplog/domain';
import type { ProcessContext } from '@shiplog/runtime';
import type { SourceStore } from '@shiplog/sources';
import type { Request, Response } from 'express';
import { ChangeApp } from '../apps/change-app.handler.js';
import { gateOf } from '../gates/gate-of.js';
import { sequenceAt, type Reply } from '../http/answer.js';
import type { Admitted } from '../http/door.js';
import { sendLines } from '../http/ndjson.js';
import { Problem } from '../http/problem.js';
import { problemOf } from '../http/rejection-problem.js';
import { Admission, Handles } from '../http/route.decorator.js';
import { CONTEXT, SOURCES } from '../injection.js';
import { buildOutputLines } from './build-output-lines.js';
import { ListBuilds, ShowBuild } from './builds.queries.js';
import * as routes from './builds.routes.js';
import { receiveSource } from './receive-source.js';
import { RequestBuild } from './request-build.handler.js';

@Controller()
export class BuildsController {
  constructor(
    @Inject(CommandBus) private readonly commands: CommandBus,
    @Inject(QueryBus) private readonly queries: QueryBus,
    @Inject(CONTEXT) private readonly api: ProcessContext,
    @Inject(SOURCES) private readonly sources: SourceStore,
  ) {}

  @Handles(routes.uploadSource)
  async upload(
    @Admission() { app, context }: Admitted<typeof routes.uploadSource>,
    @Req() request: Request,
  ): Reply<typeof routes.uploadSource> {
    this.refuseBarred(app.appId, context);
    return {
      body: await receiveSource(request, this.sources),
      position: this.api.world.position,
    };
  }

  @Handles(routes.requestBuild)
  async request(
    @Admission() { app, body, context }: Admitted<typeof routes.requestBuild>,
  ): Reply<typeof routes.requestBuild> {
    const { buildId, position } = await this.commands.execute(
      new RequestBuild(app.appId, body.source, context),
    );
    return { body: { sequence: sequenceAt(position), buildId }, position };
  }

  @Handles(routes.listBuilds)
  async list(
    @Admission() { app, query, documents }: Admitted<typeof routes.listBuilds>,
  ): Reply<typeof routes.listBuilds> {
    const body = await this.queries.execute(new ListBuilds(documents, app.appId, query.limit));
    return { body, position: await documents.position() };
  }

  @Handles(routes.showBuild)
  async show(
    @Admission() { app, params, documents }: Admitted<typeof routes.showBuild>,
  ): Reply<typeof routes.showBuild> {
    const body = await this.queries.execute(new ShowBuild(documents, app.appId, params.build));
    return { body, position: await documents.position() };
  }

  @Handles(routes.cancelBuild)
  async cancel(
    @Admission() { app, params, context }: Admitted<typeof routes.cancelBuild>,
  ): Reply<typeof routes.cancelBuild> {
    const buildId = params.build;
    this.refuseEnded(app.appId, buildId);
    const { position } = await this.commands.execute(
      new ChangeApp(app.appId, { type: 'CancelBuild', buildId }, context),
    );
    return { body: { sequence: sequenceAt(position) }, position };
  }

  @Handles(routes.buildOutput)
  async output(
    @Admission() { app, params, query, caller, documents }: Admitted<typeof routes.buildOutput>,
    @Res() response: Response,
  ): Promise<void> {
    const { world } = this.api;
    const buildId = params.build;
    // A build requested a moment ago may not be in the read models yet.
    if (!Object.hasOwn(world.app(app.appId)?.builds ?? {}, buildId))
      await this.queries.execute(new ShowBuild(documents, app.appId, buildId));
    await sendLines(response, { world, caller }, (signal) =>
      buildOutputLines(this.api, { appId: app.appId, buildId, ...query }, signal),
    );
  }

  /** The build that a source is for would be refused: then before any of it is read. */
  private refuseBarred(appId: string, context: CommandContext): void {
    const { world } = this.api;
    const app = world.app(appId);
    if (app === undefined) return;
    const gate = gateOf(world, appId, context, Date.now());
    const rejection = gateRejection('RequestBuild', app, gate);
    if (rejection !== undefined) throw problemOf(rejection);
  }

  /** A build that is over cannot be cancelled; saying so beats pretending. */
  private refuseEnded(appId: string, buildId: string): void {
    const { state } = this.api.world.get('build', buildId);
    if (state.status === 'none' || state.status === 'running' || state.status === 'cancelled')
      return;
    if (state.appId !== appId) throw problemOf({ code: 'build-not-found', buildId });
    throw new Problem(
      'build-not-running',
      `The build is over: it has ${state.status}. To stop what became of it, cancel its deploy.`,
      { members: { state: state.status } },
    );
  }
}
