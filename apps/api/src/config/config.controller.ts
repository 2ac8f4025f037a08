import { Controller, Inject } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import type { ProcessContext } from '@shiplog/runtime';
import { sequenceAt, type Reply } from '../http/answer.js';
import type { Admitted } from '../http/door.js';
import { Admission, Handles } from '../http/route.decorator.js';
import type { AuditRecorder } from '../audit/audit-recorder.js';
import { actorOf } from '../http/request-headers.js';
import { AUDIT, CONTEXT } from '../injection.js';
import { ChangeConfig } from './change-config.handler.js';
import { ListConfig, ShowConfig } from './config.queries.js';
import * as routes from './config.routes.js';

@Controller()
export class ConfigController {
  constructor(
    @Inject(CommandBus) private readonly commands: CommandBus,
    @Inject(QueryBus) private readonly queries: QueryBus,
    @Inject(CONTEXT) private readonly api: ProcessContext,
    @Inject(AUDIT) private readonly audit: Pick<AuditRecorder, 'read'>,
  ) {}

  @Handles(routes.listConfig)
  async list(
    @Admission() { app, documents, caller, from }: Admitted<typeof routes.listConfig>,
  ): Reply<typeof routes.listConfig> {
    const body = await this.queries.execute(new ListConfig(documents, app.appId));
    const keys = body.map(({ key }) => key);
    this.audit.read({ appId: app.appId, keys, actor: actorOf(caller), from });
    return { body, position: await documents.position() };
  }

  @Handles(routes.showConfig)
  async show(
    @Admission() { app, params, documents, caller, from }: Admitted<typeof routes.showConfig>,
  ): Reply<typeof routes.showConfig> {
    const body = await this.queries.execute(new ShowConfig(documents, app.appId, params.key));
    this.audit.read({ appId: app.appId, keys: [body.key], actor: actorOf(caller), from });
    return { body, position: await documents.position() };
  }

  @Handles(routes.changeConfig)
  async change(
    @Admission() { app, body, context }: Admitted<typeof routes.changeConfig>,
  ): Reply<typeof routes.changeConfig> {
    const { position } = await this.commands.execute(
      new ChangeConfig(app.appId, body.set, body.unset, context),
    );
    const { state, revision } = this.api.world.get('app', app.appId);
    const { config, lastVersion } =
      state.status === 'active' ? state : { config: {}, lastVersion: 0 };
    return {
      body: {
        sequence: sequenceAt(position),
        keys: Object.keys(config).toSorted(),
        release: lastVersion === 0 ? null : lastVersion,
      },
      position,
      revision,
    };
  }
}
