import { Controller, Inject } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import type { ProcessContext } from '@shiplog/runtime';
import { appDocument } from '../apps/apps.queries.js';
import { sequenceAt, type Reply } from '../http/answer.js';
import type { Admitted } from '../http/door.js';
import { Admission, Handles } from '../http/route.decorator.js';
import { CONTEXT } from '../injection.js';
import { portSpelt } from './allowed-port.js';
import { AddPort, RemovePort } from './ports.handlers.js';
import { portsShown } from './ports-shown.js';
import * as routes from './ports.routes.js';

@Controller()
export class PortsController {
  constructor(
    @Inject(CommandBus) private readonly commands: CommandBus,
    @Inject(CONTEXT) private readonly api: Pick<ProcessContext, 'world'>,
  ) {}

  @Handles(routes.listPorts)
  async list(
    @Admission() { app, documents }: Admitted<typeof routes.listPorts>,
  ): Reply<typeof routes.listPorts> {
    const body = portsShown(await appDocument(documents, app.appId));
    return { body, position: await documents.position() };
  }

  @Handles(routes.addPort)
  async add(
    @Admission() { app, params, body, context }: Admitted<typeof routes.addPort>,
  ): Reply<typeof routes.addPort> {
    const port = portSpelt(params.port);
    const baseVersion = this.api.world.liveOf(app.appId)?.release.version ?? null;
    const command = { type: 'AddPort', port, ...body, baseVersion } as const;
    const { position } = await this.commands.execute(new AddPort(app, command, context));
    return { body: { sequence: sequenceAt(position), port, ...body }, position };
  }

  @Handles(routes.removePort)
  async remove(
    @Admission() { app, params, context }: Admitted<typeof routes.removePort>,
  ): Reply<typeof routes.removePort> {
    const port = portSpelt(params.port);
    const { position } = await this.commands.execute(new RemovePort(app, port, context));
    return { body: { sequence: sequenceAt(position) }, position };
  }
}
