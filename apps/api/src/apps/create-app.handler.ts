import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { CommandContext } from '@shiplog/commands';
import type { Position } from '@shiplog/events';
import { faultPoint, type ProcessContext } from '@shiplog/runtime';
import type { Changes } from '../changes/changes.js';
import { newIdFor } from '../changes/ids.js';
import { CHANGES, CONTEXT } from '../injection.js';

export class CreateApp extends Command<{ appId: string; position: Position }> {
  constructor(
    readonly name: string,
    readonly teamId: string,
    readonly context: CommandContext,
  ) {
    super();
  }
}

/**
 * First the name, then the app: dying in between leaves a reserved name, which a process manager
 * turns into its app. Both steps find their own work again by the app's id.
 */
@CommandHandler(CreateApp)
export class CreateAppHandler implements ICommandHandler<CreateApp> {
  constructor(
    @Inject(CHANGES) private readonly changes: Changes,
    @Inject(CONTEXT) private readonly api: Pick<ProcessContext, 'world'>,
  ) {}

  async execute({ name, teamId, context }: CreateApp) {
    const appId = newIdFor('app', context);
    const known = this.changes.known(context);
    if (known !== undefined) return { appId, position: known.position };
    // The command id belongs to the app's commit; the reservation repeats itself by the app's id.
    const { command: _command, ...withoutCommand } = context;
    await this.freeNameOfDestroyedApp(name, withoutCommand);
    const reserve = { type: 'ReserveName', name, appId, teamId } as const;
    const reserved = await this.changes.make('name', name, reserve, withoutCommand);
    faultPoint('api/name-reserved');
    const create = { type: 'CreateApp', appId, name, teamId } as const;
    try {
      const { position } = await this.changes.make('app', appId, create, context);
      return { appId, position };
    } catch (error) {
      // Refused (a key raced itself with another name): the name must not stay taken for ever.
      if (reserved.events.length > 0 && this.isOfAnotherApp(appId, name)) {
        await this.changes.make('name', name, { type: 'ReleaseName', appId }, withoutCommand);
      }
      throw error;
    }
  }

  private isOfAnotherApp(appId: string, name: string): boolean {
    const { state } = this.api.world.get('app', appId);
    return state.status !== 'none' && state.name !== name;
  }

  /** The process manager gives names back, too; whoever asks first need not wait for it. */
  private async freeNameOfDestroyedApp(name: string, context: CommandContext): Promise<void> {
    const { state } = this.api.world.get('name', name);
    if (state.status !== 'reserved') return;
    const { appId } = state;
    if (this.api.world.get('app', appId).state.status !== 'destroyed') return;
    await this.changes.make('name', name, { type: 'ReleaseName', appId }, context);
  }
}
