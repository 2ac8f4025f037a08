import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { CommandContext } from '@shiplog/commands';
import type { DomainLook } from '@shiplog/domain';
import type { Position } from '@shiplog/events';
import type { ProcessContext } from '@shiplog/runtime';
import type { AppIdentity } from '../http/door.js';
import { problemOf } from '../http/rejection-problem.js';
import { CLAIMS, CONTEXT } from '../injection.js';
import type { Claims } from './claims.js';

/** What was found now, also where it is nothing new. */
export interface CheckedDomain {
  readonly position: Position;
  readonly look: DomainLook;
}

export class CheckDomain extends Command<CheckedDomain> {
  constructor(
    readonly app: AppIdentity,
    readonly host: string,
    readonly context: CommandContext,
  ) {
    super();
  }
}

/** Looks once more, now. What was proven before stays so. */
@CommandHandler(CheckDomain)
export class CheckDomainHandler implements ICommandHandler<CheckDomain> {
  constructor(
    @Inject(CLAIMS) private readonly claims: Claims,
    @Inject(CONTEXT) private readonly api: Pick<ProcessContext, 'world'>,
  ) {}

  async execute({ app, host, context }: CheckDomain): Promise<CheckedDomain> {
    const known = this.api.world.app(app.appId)?.domains ?? [];
    if (!known.includes(host)) throw problemOf({ code: 'domain-not-on-app', host });
    return this.claims.check(host, app, context);
  }
}
