import { Controller, Inject } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import type { ProcessContext } from '@shiplog/runtime';
import { appDocument } from '../apps/apps.queries.js';
import { ChangeApp } from '../apps/change-app.handler.js';
import { sequenceAt, type Reply } from '../http/answer.js';
import type { Admitted } from '../http/door.js';
import { Problem } from '../http/problem.js';
import { Admission, Handles } from '../http/route.decorator.js';
import { CONTEXT } from '../injection.js';
import * as routes from './traffic.routes.js';

@Controller()
export class TrafficController {
  constructor(
    @Inject(CommandBus) private readonly commands: CommandBus,
    @Inject(CONTEXT) private readonly api: ProcessContext,
  ) {}

  @Handles(routes.showTraffic)
  async show(
    @Admission() { app, documents }: Admitted<typeof routes.showTraffic>,
  ): Reply<typeof routes.showTraffic> {
    const { traffic, revision } = await appDocument(documents, app.appId);
    return { body: traffic, position: await documents.position(), revision };
  }

  @Handles(routes.changeTraffic)
  async change(
    @Admission() { app, body, context }: Admitted<typeof routes.changeTraffic>,
  ): Reply<typeof routes.changeTraffic> {
    const { position } = await this.commands.execute(
      new ChangeApp(app.appId, { type: 'ChangeTrafficPolicy', ...body }, context),
    );
    const { state, revision } = this.api.world.get('app', app.appId);
    if (state.status !== 'active') {
      throw new Problem('app-not-found', 'The app was destroyed in the same moment.');
    }
    const policy = state.traffic ?? {};
    return { body: { sequence: sequenceAt(position), policy }, position, revision };
  }
}
