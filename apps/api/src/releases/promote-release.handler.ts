import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { CommandContext } from '@shiplog/commands';
import { rolloutIdOf, type ActiveApp, type Release } from '@shiplog/domain';
import type { Image, Position } from '@shiplog/events';
import type { ProcessContext } from '@shiplog/runtime';
import type { Changes } from '../changes/changes.js';
import { problemOf } from '../http/rejection-problem.js';
import { CHANGES, CONTEXT } from '../injection.js';

interface Promoted {
  readonly release: number;
  readonly deployId: string;
  readonly position: Position;
}

export class PromoteRelease extends Command<Promoted> {
  constructor(
    readonly from: { readonly appId: string; readonly version: number },
    readonly toAppId: string,
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(PromoteRelease)
export class PromoteReleaseHandler implements ICommandHandler<PromoteRelease> {
  constructor(
    @Inject(CHANGES) private readonly changes: Changes,
    @Inject(CONTEXT) private readonly api: Pick<ProcessContext, 'world' | 'log'>,
  ) {}

  async execute({ from, toAppId, context }: PromoteRelease): Promise<Promoted> {
    const { world } = this.api;
    const { release, ...origin } = originOf(world.app(from.appId), from.version);
    const { position } = await this.changes.make(
      'app',
      toAppId,
      {
        type: 'PromoteRelease',
        from: { ...from, ...origin },
        image: this.imageOf(release),
        processes: release.processes,
        liveVersion: world.liveOf(toAppId)?.release.version ?? null,
      },
      context,
    );
    return { ...(await this.releaseAt(toAppId, position)), position };
  }

  /** One that was built again has another id than the release knew. */
  private imageOf({ buildId, image }: Release): Image {
    const build = buildId === null ? undefined : this.api.world.get('build', buildId).state;
    return build?.status === 'succeeded' ? build.image : image;
  }

  /** The release that the commit at this position made, also when it was asked for once more. */
  private async releaseAt(appId: string, position: Position): Promise<Omit<Promoted, 'position'>> {
    const records = await this.api.log.read(`app.${appId}`);
    const events = records.find((record) => record.position === position)?.commit.events ?? [];
    for (const event of events) {
      if (event.type !== 'ReleaseCreated') continue;
      const { version, generation } = event.data;
      return { release: version, deployId: rolloutIdOf(appId, generation) };
    }
    throw new Error(`the commit at ${position} made no release`);
  }
}

/** The release, while it is kept, and the commit that it was built from. */
const originOf = (app: ActiveApp | undefined, version: number) => {
  const releases = app?.releases ?? [];
  const release = releases.find((one) => one.version === version);
  if (app === undefined || release === undefined) {
    const kept = releases.map((one) => one.version);
    throw problemOf({ code: 'release-not-found', version, kept });
  }
  const built = release.buildId === null ? undefined : app.builds[release.buildId]?.source;
  const { commit = null, branch = null } = built?.kind === 'archive' ? built : {};
  return { release, commit, branch };
};
