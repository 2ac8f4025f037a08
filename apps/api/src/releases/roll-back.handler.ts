import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { CommandContext } from '@shiplog/commands';
import { rolloutIdOf, type World } from '@shiplog/domain';
import type { Position } from '@shiplog/events';
import type { ReadModels } from '@shiplog/read-models';
import type { ProcessContext } from '@shiplog/runtime';
import type { Changes } from '../changes/changes.js';
import { Problem } from '../http/problem.js';
import { problemOf } from '../http/rejection-problem.js';
import { CHANGES, CONTEXT } from '../injection.js';

interface RolledBack {
  readonly release: number;
  readonly rollbackOf: number;
  readonly deployId: string;
  readonly position: Position;
}

export class RollBack extends Command<RolledBack> {
  constructor(
    readonly appId: string,
    readonly version: number | undefined,
    readonly documents: ReadModels,
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(RollBack)
export class RollBackHandler implements ICommandHandler<RollBack> {
  constructor(
    @Inject(CHANGES) private readonly changes: Changes,
    @Inject(CONTEXT) private readonly api: Pick<ProcessContext, 'world' | 'log'>,
  ) {}

  async execute({ appId, version, documents, context }: RollBack): Promise<RolledBack> {
    const { world } = this.api;
    const known = context.command == null ? undefined : world.command(context.command.id);
    // What a repeated request meant by "the one before" is in the log, and may be another one by now.
    const target =
      version ?? (known === undefined ? await earlierLive(world, documents, appId) : 1);
    const liveVersion = world.liveOf(appId)?.release.version ?? null;
    const { position } = await this.changes.make(
      'app',
      appId,
      { type: 'RollBack', version: target, liveVersion },
      context,
    );
    return { ...(await this.releaseAt(appId, position)), position };
  }

  /** The release that the commit at this position made. */
  private async releaseAt(
    appId: string,
    position: Position,
  ): Promise<Omit<RolledBack, 'position'>> {
    const records = await this.api.log.read(`app.${appId}`);
    const events = records.find((record) => record.position === position)?.commit.events ?? [];
    for (const event of events) {
      if (event.type !== 'ReleaseCreated' || event.data.rollbackOf === null) continue;
      const { version: release, rollbackOf, generation } = event.data;
      return { release, rollbackOf, deployId: rolloutIdOf(appId, generation) };
    }
    throw new Error(`the commit at ${position} made no release`);
  }
}

/** The newest kept release before the live one that was live itself. */
const earlierLive = async (world: World, documents: ReadModels, appId: string): Promise<number> => {
  const kept = world.app(appId)?.releases ?? [];
  if (kept.length === 0) throw problemOf({ code: 'nothing-deployed' });
  const live = world.liveOf(appId)?.release.version;
  for (const { version } of kept.toReversed()) {
    if (live !== undefined && version >= live) continue;
    const document = await documents.release(appId, version);
    if (document !== undefined && document.liveAt !== null) return version;
  }
  throw new Problem(
    'nothing-to-roll-back-to',
    live === undefined
      ? 'No release of this app was ever live. Name one: `shiplog rollback v1`.'
      : `No kept release before v${live} was ever live. Name one: \`shiplog releases list\` shows them.`,
  );
};
