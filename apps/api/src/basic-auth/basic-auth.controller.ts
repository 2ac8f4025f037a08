import { Controller, Inject } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { OPEN_TO_ALL, type BasicAuth } from '@shiplog/domain';
import type { ProcessContext } from '@shiplog/runtime';
import { appDocument } from '../apps/apps.queries.js';
import { sequenceAt, type Reply } from '../http/answer.js';
import type { Admitted } from '../http/door.js';
import { Problem } from '../http/problem.js';
import { Admission, Handles } from '../http/route.decorator.js';
import { CONTEXT } from '../injection.js';
import * as routes from './basic-auth.routes.js';
import { ChangeBasicAuth } from './change-basic-auth.handler.js';

@Controller()
export class BasicAuthController {
  constructor(
    @Inject(CommandBus) private readonly commands: CommandBus,
    @Inject(CONTEXT) private readonly api: ProcessContext,
  ) {}

  @Handles(routes.showBasicAuth)
  async show(
    @Admission() { app, documents }: Admitted<typeof routes.showBasicAuth>,
  ): Reply<typeof routes.showBasicAuth> {
    const { basicAuth, revision } = await appDocument(documents, app.appId);
    return { body: shown(basicAuth), position: await documents.position(), revision };
  }

  @Handles(routes.changeBasicAuth)
  async change(
    @Admission() { app, body, context }: Admitted<typeof routes.changeBasicAuth>,
  ): Reply<typeof routes.changeBasicAuth> {
    const { position } = await this.commands.execute(new ChangeBasicAuth(app.appId, body, context));
    const { state, revision } = this.api.world.get('app', app.appId);
    if (state.status !== 'active') {
      throw new Problem('app-not-found', 'The app was destroyed in the same moment.');
    }
    const now = shown(state.basicAuth ?? OPEN_TO_ALL);
    return { body: { sequence: sequenceAt(position), ...now }, position, revision };
  }
}

const shown = ({ users, passesHeader }: BasicAuth) => ({
  users: Object.keys(users).toSorted(),
  passesHeader,
});
