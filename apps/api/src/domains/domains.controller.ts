import { Controller, Inject } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { PLAIN_USE, type DomainLook } from '@shiplog/domain';
import type { ProcessContext } from '@shiplog/runtime';
import { defaultHost } from '../apps/addresses.js';
import { appDocument } from '../apps/apps.queries.js';
import { sequenceAt, type Reply } from '../http/answer.js';
import type { Admitted, AppIdentity } from '../http/door.js';
import { Admission, Handles } from '../http/route.decorator.js';
import { CONTEXT, OWNERSHIP } from '../injection.js';
import { AddDomain, RemoveDomain } from './domains.handlers.js';
import { domainIdOf } from '../process-managers/index.js';
import * as routes from './domains.routes.js';
import { domainSpelt } from './domain-name.js';
import { CheckDomain } from './check-domain.handler.js';
import { DomainView } from './domain-view.js';
import type { Ownership } from './ownership.js';
import { wantedDomains } from './wanted.js';

@Controller()
export class DomainsController {
  private readonly view: DomainView;

  constructor(
    @Inject(CommandBus) private readonly commands: CommandBus,
    @Inject(CONTEXT) private readonly api: ProcessContext,
    @Inject(OWNERSHIP) ownership: Ownership,
  ) {
    this.view = new DomainView(api.config, ownership);
  }

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
    const shown = (host: string, kind: 'default' | 'custom') => ({
      ...this.view.of(host, byHost.get(host)?.use ?? PLAIN_USE),
      ownership: this.view.ownership(host, app.teamId, byHost.get(host)?.proof ?? null),
      kind,
      addedAt: kind === 'default' ? document.createdAt : (byHost.get(host)?.addedAt ?? null),
    });
    const body = [
      shown(defaultHost(document.name, config), 'default'),
      ...document.domains.map((host) => shown(host, 'custom')),
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
        ...this.view.of(host, use),
        ownership: this.ownershipNow(host, app),
        kind: 'custom',
        addedAt: null,
      },
      position,
    };
  }

  @Handles(routes.checkDomain)
  async check(
    @Admission() { app, params, context }: Admitted<typeof routes.checkDomain>,
  ): Reply<typeof routes.checkDomain> {
    const host = domainSpelt(params.host);
    const { position, look } = await this.commands.execute(new CheckDomain(app, host, context));
    const body = {
      sequence: sequenceAt(position),
      host,
      ownership: this.ownershipNow(host, app, look),
    };
    return { body, position };
  }

  private ownershipNow(host: string, { teamId }: AppIdentity, look?: DomainLook) {
    const { state } = this.api.world.get('domain', domainIdOf(host));
    const proof = state.status === 'reserved' ? state.proof : null;
    const now = proof === null || look === undefined ? proof : { ...proof, lastLook: look };
    return this.view.ownership(host, teamId, now);
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
