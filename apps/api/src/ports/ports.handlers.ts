import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { CommandContext } from '@shiplog/commands';
import type { AppCommand } from '@shiplog/domain';
import { faultPoint, type ProcessContext } from '@shiplog/runtime';
import type { Change, Changes } from '../changes/changes.js';
import { isRefused, ofOneStep } from '../changes/steps.js';
import type { AppIdentity } from '../http/door.js';
import { CHANGES, CONTEXT } from '../injection.js';
import { refusePort } from './allowed-port.js';

type AddPortCommand = Extract<AppCommand, { type: 'AddPort' }>;

export class AddPort extends Command<Change<'app'>> {
  constructor(
    readonly app: AppIdentity,
    readonly command: AddPortCommand,
    readonly context: CommandContext,
  ) {
    super();
  }
}

/**
 * First the port, which one app at a time may hold, then the app. What stays half-done is undone by a process
 * manager.
 */
@CommandHandler(AddPort)
export class AddPortHandler implements ICommandHandler<AddPort> {
  constructor(
    @Inject(CHANGES) private readonly changes: Changes,
    @Inject(CONTEXT) private readonly api: Pick<ProcessContext, 'world' | 'config'>,
  ) {}

  async execute({ app, command, context }: AddPort): Promise<Change<'app'>> {
    const known = this.changes.known(context);
    if (known !== undefined) return { position: known.position, events: [], repeated: true };
    const { appId, teamId } = app;
    const { port } = command;
    refusePort(port, this.api.config);
    const plain = ofOneStep(context);
    const reserve = { type: 'ReservePort', port, appId, teamId } as const;
    const reserved = await this.changes.make('port', String(port), reserve, plain);
    faultPoint('api/port-reserved');
    try {
      return await this.changes.make('app', appId, command, context);
    } catch (error) {
      if (isRefused(error) && reserved.events.length > 0) await this.giveBack(port, appId, plain);
      throw error;
    }
  }

  private async giveBack(port: number, appId: string, context: CommandContext) {
    if (Object.hasOwn(this.api.world.app(appId)?.ports ?? {}, port)) return;
    await this.changes.make('port', String(port), { type: 'ReleasePort', appId }, context);
  }
}

export class RemovePort extends Command<Change<'app'>> {
  constructor(
    readonly app: AppIdentity,
    readonly port: number,
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(RemovePort)
export class RemovePortHandler implements ICommandHandler<RemovePort> {
  constructor(@Inject(CHANGES) private readonly changes: Changes) {}

  async execute({ app, port, context }: RemovePort): Promise<Change<'app'>> {
    const { appId } = app;
    const removed = await this.changes.make('app', appId, { type: 'RemovePort', port }, context);
    faultPoint('api/port-removed');
    const release = { type: 'ReleasePort', appId } as const;
    // A repeated request must not free what was added again since.
    if (!removed.repeated)
      await this.changes.make('port', String(port), release, ofOneStep(context));
    return removed;
  }
}
