import { Controller, Inject } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import type { ProcessContext } from '@shiplog/runtime';
import { defaultHost, urlOfHost } from '../apps/addresses.js';
import { appDocument } from '../apps/apps.queries.js';
import { sequenceAt, type Reply } from '../http/answer.js';
import type { Admitted } from '../http/door.js';
import { Admission, Handles } from '../http/route.decorator.js';
import { CONTEXT } from '../injection.js';
import { AddDomain, RemoveDomain } from './domains.handlers.js';
import * as routes from './domains.routes.js';
import { parseHost } from './host-name.js';

@Controller()
export class DomainsController {
  constructor(
    @Inject(CommandBus) private readonly commands: CommandBus,
    @Inject(CONTEXT) private readonly api: ProcessContext,
  ) {}

  @Handles(routes.listDomains)
  async list(
    @Admission() { app, documents }: Admitted<typeof routes.listDomains>,
  ): Reply<typeof routes.listDomains> {
    const { config } = this.api;
    const [document, reserved] = await Promise.all([
      appDocument(documents, app.appId),
      documents.domains({ appId: app.appId, limit: 1_000 }),
    ]);
    const addedAt = new Map(reserved.map((one) => [one.host, one.addedAt]));
    const toDomain = (host: string, kind: 'default' | 'custom') => ({
      host,
      url: urlOfHost(host, config),
      kind,
      addedAt: kind === 'default' ? document.createdAt : (addedAt.get(host) ?? null),
    });
    const body = [
      toDomain(defaultHost(document.name, config), 'default'),
      ...document.domains.map((host) => toDomain(host, 'custom')),
    ];
    return { body, position: await documents.position() };
  }

  @Handles(routes.addDomain)
  async add(
    @Admission() { app, params, context }: Admitted<typeof routes.addDomain>,
  ): Reply<typeof routes.addDomain> {
    const { config } = this.api;
    const host = parseHost(params.host, config.domain);
    const { position } = await this.commands.execute(new AddDomain(app, host, context));
    return {
      body: {
        sequence: sequenceAt(position),
        host,
        url: urlOfHost(host, config),
        kind: 'custom',
        addedAt: null,
      },
      position,
    };
  }

  @Handles(routes.removeDomain)
  async remove(
    @Admission() { app, params, context }: Admitted<typeof routes.removeDomain>,
  ): Reply<typeof routes.removeDomain> {
    const host = params.host.toLowerCase();
    const { position } = await this.commands.execute(new RemoveDomain(app, host, context));
    return { body: { sequence: sequenceAt(position) }, position };
  }
}
