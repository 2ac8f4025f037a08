import { Controller, Inject, Res } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { ROLLOUT_STEPS_MAX } from '@shiplog/domain';
import { positionOf } from '@shiplog/events';
import type { ProcessContext } from '@shiplog/runtime';
import type { Response } from 'express';
import { ChangeApp } from '../apps/change-app.handler.js';
import { sequenceAt, type Reply } from '../http/answer.js';
import type { Admitted } from '../http/door.js';
import { sendLines } from '../http/ndjson.js';
import { Problem } from '../http/problem.js';
import { refuseFuture } from '../http/refuse-future.js';
import { Admission, Handles } from '../http/route.decorator.js';
import { CONTEXT } from '../injection.js';
import { followProgress, type ProgressTarget } from '../progress/index.js';
import { ListDeploys, ShowDeploy } from './deploys.queries.js';
import * as routes from './deploys.routes.js';
import { planDeploy } from './plan-deploy.js';
import { followAppProgress } from './progress.routes.js';

@Controller()
export class DeploysController {
  constructor(
    @Inject(CommandBus) private readonly commands: CommandBus,
    @Inject(QueryBus) private readonly queries: QueryBus,
    @Inject(CONTEXT) private readonly api: ProcessContext,
  ) {}

  @Handles(routes.listDeploys)
  async list(
    @Admission() { app, query, documents }: Admitted<typeof routes.listDeploys>,
  ): Reply<typeof routes.listDeploys> {
    const body = await this.queries.execute(new ListDeploys(documents, app.appId, query.limit));
    return { body, position: await documents.position() };
  }

  @Handles(routes.showDeploy)
  async show(
    @Admission() { app, params, documents }: Admitted<typeof routes.showDeploy>,
  ): Reply<typeof routes.showDeploy> {
    const body = await this.queries.execute(new ShowDeploy(documents, app.appId, params.deploy));
    return { body, position: await documents.position() };
  }

  @Handles(routes.cancelDeploy)
  async cancel(
    @Admission() { app, params, context, documents }: Admitted<typeof routes.cancelDeploy>,
  ): Reply<typeof routes.cancelDeploy> {
    const { deploy: rolloutId } = params;
    const { state } = await this.queries.execute(new ShowDeploy(documents, app.appId, rolloutId));
    if (state === 'completed' || state === 'failed') throw isOver(state);
    const { position } = await this.commands.execute(
      new ChangeApp(app.appId, { type: 'CancelRollout', rolloutId }, context),
    );
    return { body: { sequence: sequenceAt(position) }, position };
  }

  @Handles(routes.planDeploy)
  async plan(
    @Admission() { app, query, documents }: Admitted<typeof routes.planDeploy>,
  ): Reply<typeof routes.planDeploy> {
    const body = planDeploy(this.api.world, app.appId, query.strategy);
    return { body, position: await documents.position() };
  }

  @Handles(routes.promoteDeploy)
  async promote(
    @Admission() { app, params, body, context, documents }: Admitted<typeof routes.promoteDeploy>,
  ): Reply<typeof routes.promoteDeploy> {
    const { deploy: rolloutId } = params;
    const { state } = await this.queries.execute(new ShowDeploy(documents, app.appId, rolloutId));
    if (state !== 'running' && state !== 'pending') throw isOver(state);
    const rollout = this.api.world.get('rollout', rolloutId).state;
    const reached = rollout.status === 'running' ? rollout.step : 0;
    const step = body.to === 'next' ? reached + 1 : ROLLOUT_STEPS_MAX;
    const { position } = await this.commands.execute(
      new ChangeApp(app.appId, { type: 'PromoteRollout', rolloutId, step }, context),
    );
    return { body: { sequence: sequenceAt(position) }, position };
  }

  @Handles(followAppProgress)
  async progress(
    @Admission() { app, query, caller }: Admitted<typeof followAppProgress>,
    @Res() response: Response,
  ): Promise<void> {
    const target = targetOf(query);
    if ('settled' in target) await refuseFuture(this.api, target.settled, 'query.settled');
    await sendLines(response, { world: this.api.world, caller }, (signal) =>
      followProgress(this.api, app.appId, target, signal),
    );
  }
}

const isOver = (state: string): Problem =>
  new Problem(
    'rollout-not-running',
    state === 'cancelled'
      ? 'The deploy is over: it was cancelled.'
      : `The deploy is over: it has ${state}. To go back to what served before, use \`shiplog rollback\`.`,
    { members: { state } },
  );

const targetOf = (query: Admitted<typeof followAppProgress>['query']): ProgressTarget => {
  const { build, deploy, settled } = query;
  if ([build, deploy, settled].filter((one) => one !== undefined).length === 1) {
    if (build !== undefined) return { build };
    if (deploy !== undefined) return { deploy };
    if (settled !== undefined) return { settled: positionOf(settled) };
  }
  const message = 'name exactly one of build, deploy and settled.';
  throw new Problem('invalid-input', `query: ${message}`, { errors: [{ path: 'query', message }] });
};
