import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { CommandContext } from '@shiplog/commands';
import type { ProcessContext } from '@shiplog/runtime';
import type { Change, Changes } from '../changes/changes.js';
import { CHANGES, CONTEXT, PERSONS } from '../injection.js';
import type { Persons } from './persons.js';

export class ErasePerson extends Command<Change<'user'>> {
  constructor(
    readonly userId: string,
    readonly context: CommandContext,
  ) {
    super();
  }
}

/**
 * The log first: whoever dies between the two is finished by the process manager, which deletes the keys
 * of everybody whom the log calls erased.
 */
@CommandHandler(ErasePerson)
export class ErasePersonHandler implements ICommandHandler<ErasePerson> {
  constructor(
    @Inject(CHANGES) private readonly changes: Changes,
    @Inject(PERSONS) private readonly persons: Persons,
    @Inject(CONTEXT) private readonly api: Pick<ProcessContext, 'world'>,
  ) {}

  async execute({ userId, context }: ErasePerson): Promise<Change<'user'>> {
    const change = await this.changes.make('user', userId, { type: 'ErasePerson' }, context);
    const { state } = this.api.world.get('user', userId);
    if (state.status === 'active') await this.persons.erase(userId, state.erasures);
    return change;
  }
}
