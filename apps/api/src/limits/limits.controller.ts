import { Controller, Inject } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { limitsOf } from '@shiplog/domain';
import type { ProcessContext } from '@shiplog/runtime';
import { ChangeApp } from '../apps/change-app.handler.js';
import { sequenceAt, type Reply } from '../http/answer.js';
import type { Admitted } from '../http/door.js';
import { Problem } from '../http/problem.js';
import { Admission, Handles } from '../http/route.decorator.js';
import { CONTEXT } from '../injection.js';
import { ListLimits } from './limits.queries.js';
import * as routes from './limits.routes.js';

@Controller()
export class LimitsController {
  constructor(
    @Inject(CommandBus) private readonly commands: CommandBus,
    @Inject(QueryBus) private readonly queries: QueryBus,
    @Inject(CONTEXT) private readonly api: ProcessContext,
  ) {}

  @Handles(routes.listLimits)
  async list(
    @Admission() { app, documents }: Admitted<typeof routes.listLimits>,
  ): Reply<typeof routes.listLimits> {
    const body = await this.queries.execute(new ListLimits(documents, app.appId));
    return { body, position: await documents.position() };
  }

  @Handles(routes.resizeProcess)
  async resize(
    @Admission() { app, body, context }: Admitted<typeof routes.resizeProcess>,
  ): Reply<typeof routes.resizeProcess> {
    const { position } = await this.commands.execute(
      new ChangeApp(app.appId, { type: 'ResizeProcess', ...body }, context),
    );
    const { state, revision } = this.api.world.get('app', app.appId);
    if (state.status !== 'active') {
      throw new Problem('app-not-found', 'The app was destroyed in the same moment.');
    }
    const limits = limitsOf(state, body.process);
    return { body: { sequence: sequenceAt(position), limits }, position, revision };
  }
}
