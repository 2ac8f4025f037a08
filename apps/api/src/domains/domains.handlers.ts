import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { CommandContext } from '@shiplog/commands';
import { faultPoint, type ProcessContext } from '@shiplog/runtime';
import type { Change, Changes } from '../changes/changes.js';
import { isRefused, ofOneStep } from '../changes/steps.js';
import type { AppIdentity } from '../http/door.js';
import { CHANGES, CLAIMS, CONTEXT } from '../injection.js';
import { domainIdOf, dropBroughtCertificate } from '../process-managers/index.js';
import type { Claims } from './claims.js';
import { refuseLoops, type WantedDomain } from './wanted.js';

export class AddDomain extends Command<Change<'app'>> {
  constructor(
    readonly app: AppIdentity,
    /** The one that was asked for, and its sister. */
    readonly wanted: readonly [WantedDomain, ...WantedDomain[]],
    readonly context: CommandContext,
  ) {
    super();
  }
}

/**
 * First the domains, each of which one app at a time may hold, then the app. What stays half-done is undone by a
 * process manager.
 */
@CommandHandler(AddDomain)
export class AddDomainHandler implements ICommandHandler<AddDomain> {
  constructor(
    @Inject(CHANGES) private readonly changes: Changes,
    @Inject(CLAIMS) private readonly claims: Claims,
    @Inject(CONTEXT) private readonly api: Pick<ProcessContext, 'world'>,
  ) {}

  async execute({ app, wanted, context }: AddDomain): Promise<Change<'app'>> {
    const known = this.changes.known(context);
    if (known !== undefined) return { position: known.position, events: [], repeated: true };
    refuseLoops(this.api.world.apps(), wanted);
    const plain = ofOneStep(context);
    const reserved: string[] = [];
    try {
      for (const { host } of wanted) {
        if (await this.claims.reserve(host, app, plain)) reserved.push(host);
      }
      faultPoint('api/domain-reserved');
      const [{ host, use }, ...sisters] = wanted;
      const command = { type: 'AddDomain', host, use, sisters } as const;
      return await this.changes.make('app', app.appId, command, context);
    } catch (error) {
      if (isRefused(error)) for (const host of reserved) await this.giveBack(host, app, plain);
      throw error;
    }
  }

  private async giveBack(host: string, { appId }: AppIdentity, context: CommandContext) {
    if (this.api.world.app(appId)?.domains.includes(host) === true) return;
    await this.changes.make('domain', domainIdOf(host), { type: 'ReleaseDomain', appId }, context);
  }
}

export class RemoveDomain extends Command<Change<'app'>> {
  constructor(
    readonly app: AppIdentity,
    readonly host: string,
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(RemoveDomain)
export class RemoveDomainHandler implements ICommandHandler<RemoveDomain> {
  constructor(
    @Inject(CHANGES) private readonly changes: Changes,
    @Inject(CONTEXT) private readonly api: Pick<ProcessContext, 'world' | 'commands'>,
  ) {}

  async execute({ app, host, context }: RemoveDomain): Promise<Change<'app'>> {
    const { appId } = app;
    const removed = await this.changes.make('app', appId, { type: 'RemoveDomain', host }, context);
    faultPoint('api/domain-removed');
    const plain = ofOneStep(context);
    const release = { type: 'ReleaseDomain', appId } as const;
    // A repeated request must not free what was added again since.
    if (removed.repeated) return removed;
    await dropBroughtCertificate(this.api, host, plain);
    await this.changes.make('domain', domainIdOf(host), release, plain);
    return removed;
  }
}
