import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { CommandContext } from '@shiplog/commands';
import type { AppCommand } from '@shiplog/domain';
import type { Change, Changes } from '../changes/changes.js';
import { CHANGES } from '../injection.js';

/** A command for one app that needs nothing but the app to be decided on. */
export class ChangeApp extends Command<Change<'app'>> {
  constructor(
    readonly appId: string,
    readonly command: AppCommand,
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(ChangeApp)
export class ChangeAppHandler implements ICommandHandler<ChangeApp> {
  constructor(@Inject(CHANGES) private readonly changes: Changes) {}

  execute({ appId, command, context }: ChangeApp): Promise<Change<'app'>> {
    return this.changes.make('app', appId, command, context);
  }
}
