import { Controller, Inject } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { PLAIN_USE } from '@shiplog/domain';
import type { DomainUse } from '@shiplog/events';
import type { PlatformConfig, ProcessContext } from '@shiplog/runtime';
import { defaultHost, urlOfHost } from '../apps/addresses.js';
import { appDocument } from '../apps/apps.queries.js';
import { sequenceAt, type Reply } from '../http/answer.js';
import type { Admitted } from '../http/door.js';
import { Admission, Handles } from '../http/route.decorator.js';
import { CONTEXT } from '../injection.js';
import { AddDomain, RemoveDomain } from './domains.handlers.js';
import * as routes from './domains.routes.js';
import { domainShown } from './international.js';
import { domainSpelt } from './domain-name.js';
import { wantedDomains } from './wanted.js';

const viewOf = (host: string, use: DomainUse, config: PlatformConfig) => ({
  host,
  unicode: domainShown(host),
  url: urlOfHost(host, config),
  strip: use.kind === 'serve' && use.strip,
  redirect: use.kind === 'redirect' ? { to: use.to, status: use.status } : null,
});

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
    const byHost = new Map(reserved.map((one) => [one.host, one]));
    const toDomain = (host: string, kind: 'default' | 'custom') => ({
      ...viewOf(host, byHost.get(host)?.use ?? PLAIN_USE, config),
      kind,
      addedAt: kind === 'default' ? document.createdAt : (byHost.get(host)?.addedAt ?? null),
    });
    const body = [
      toDomain(defaultHost(document.name, config), 'default'),
      ...document.domains.map((host) => toDomain(host, 'custom')),
    ];
    return { body, position: await documents.position() };
  }

  @Handles(routes.addDomain)
  async add(
    @Admission() { app, params, body, context }: Admitted<typeof routes.addDomain>,
  ): Reply<typeof routes.addDomain> {
    const { config } = this.api;
    const wanted = wantedDomains(params.host, body, config.domain);
    const { position } = await this.commands.execute(new AddDomain(app, wanted, context));
    const [{ host, use }] = wanted;
    return {
      body: {
        sequence: sequenceAt(position),
        ...viewOf(host, use, config),
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
    const host = domainSpelt(params.host);
    const { position } = await this.commands.execute(new RemoveDomain(app, host, context));
    return { body: { sequence: sequenceAt(position) }, position };
  }
}
