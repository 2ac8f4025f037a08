import { Controller, Inject } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { sequenceAt, type Reply } from '../http/answer.js';
import type { Admitted, Door } from '../http/door.js';
import { Problem } from '../http/problem.js';
import { Admission, Handles } from '../http/route.decorator.js';
import { DOOR } from '../injection.js';
import { PromoteRelease } from './promote-release.handler.js';
import { ListReleases, ShowRelease } from './releases.queries.js';
import * as routes from './releases.routes.js';
import { RollBack } from './roll-back.handler.js';

@Controller()
export class ReleasesController {
  constructor(
    @Inject(CommandBus) private readonly commands: CommandBus,
    @Inject(QueryBus) private readonly queries: QueryBus,
    @Inject(DOOR) private readonly door: Door,
  ) {}

  @Handles(routes.listReleases)
  async list(
    @Admission() { app, query, documents }: Admitted<typeof routes.listReleases>,
  ): Reply<typeof routes.listReleases> {
    const body = await this.queries.execute(new ListReleases(documents, app.appId, query.limit));
    return { body, position: await documents.position() };
  }

  @Handles(routes.showRelease)
  async show(
    @Admission() { app, params, documents }: Admitted<typeof routes.showRelease>,
  ): Reply<typeof routes.showRelease> {
    const body = await this.queries.execute(new ShowRelease(documents, app.appId, params.version));
    return { body, position: await documents.position() };
  }

  @Handles(routes.promoteRelease)
  async promote(
    @Admission() { app, params, body, caller, context }: Admitted<typeof routes.promoteRelease>,
  ): Reply<typeof routes.promoteRelease> {
    const to = await this.door.appOf(body.to, caller);
    if (to.appId === app.appId) {
      throw new Problem(
        'same-app',
        `v${params.version} is a release of ${app.name} already. To run it again there: \`shiplog rollback v${params.version}\`.`,
      );
    }
    const { position, ...made } = await this.commands.execute(
      new PromoteRelease({ appId: app.appId, version: params.version }, to.appId, context),
    );
    return { body: { sequence: sequenceAt(position), app: to.name, ...made }, position };
  }

  @Handles(routes.rollBack)
  async rollBack(
    @Admission() { app, body, context, documents }: Admitted<typeof routes.rollBack>,
  ): Reply<typeof routes.rollBack> {
    const { position, ...made } = await this.commands.execute(
      new RollBack(app.appId, body.version, documents, context),
    );
    return { body: { sequence: sequenceAt(position), ...made }, position };
  }
}
