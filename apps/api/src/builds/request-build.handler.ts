import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { CommandContext } from '@shiplog/commands';
import type { Position, Source } from '@shiplog/events';
import type { SourceStore } from '@shiplog/sources';
import type { Changes } from '../changes/changes.js';
import { newIdFor } from '../changes/ids.js';
import { Problem } from '../http/problem.js';
import { CHANGES, SOURCES } from '../injection.js';

export class RequestBuild extends Command<{ buildId: string; position: Position }> {
  constructor(
    readonly appId: string,
    readonly source: Source,
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(RequestBuild)
export class RequestBuildHandler implements ICommandHandler<RequestBuild> {
  constructor(
    @Inject(CHANGES) private readonly changes: Changes,
    @Inject(SOURCES) private readonly sources: Pick<SourceStore, 'renew'>,
  ) {}

  /** The source lies on disk before an event names it. */
  async execute({ appId, source, context }: RequestBuild) {
    if (source.kind === 'archive' && !(await this.sources.renew(source.digest))) {
      throw new Problem(
        'source-not-found',
        `body.source.digest: no source ${source.digest} is stored. Send the archive to POST /v1/apps/{app}/sources first.`,
        { errors: [{ path: 'body.source.digest', message: 'no such source is stored.' }] },
      );
    }
    const buildId = newIdFor('bld', context);
    const command = { type: 'RequestBuild', buildId, source } as const;
    const { position } = await this.changes.make('app', appId, command, context);
    return { buildId, position };
  }
}
