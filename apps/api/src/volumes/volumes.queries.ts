import { Inject } from '@nestjs/common';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { BACKUP_AS_IT_IS } from '@shiplog/domain';
import type { ReadModels, RunningReadModels, VolumeDocument } from '@shiplog/read-models';
import type { ProcessContext } from '@shiplog/runtime';
import { z } from 'zod';
import { appDocument } from '../apps/apps.queries.js';
import { belongsTo, type Caller } from '../auth/caller.js';
import { CONTEXT, READ_MODELS } from '../injection.js';
import type { keptVolume, volumeAnswer } from './volumes.routes.js';

type Volume = z.infer<typeof volumeAnswer>;
type KeptVolume = z.infer<typeof keptVolume>;

/** How full a volume is told in passing: nobody waits long for a deployer that is not there. */
const USAGE_MS = 1_000;

const usageAnswer = z.object({
  usage: z.record(z.string(), z.object({ usedBytes: z.number(), measuredAt: z.string() })),
});
type Usage = z.infer<typeof usageAnswer>['usage'];

export class ListVolumes extends Query<Volume[]> {
  constructor(
    readonly documents: ReadModels,
    readonly appId: string,
  ) {
    super();
  }
}

@QueryHandler(ListVolumes)
export class ListVolumesHandler implements IQueryHandler<ListVolumes> {
  constructor(
    @Inject(CONTEXT) private readonly api: Pick<ProcessContext, 'bus'>,
    @Inject(READ_MODELS) private readonly readModels: Pick<RunningReadModels, 'queries'>,
  ) {}

  async execute({ documents, appId }: ListVolumes) {
    const { volumes } = await appDocument(documents, appId);
    // What is in them is measured and not recorded: into a view of the past it would bring today.
    const isNow = documents === this.readModels.queries;
    const usage = isNow ? await usageOf(this.api, volumes) : {};
    return volumes.map((volume) => toVolume(volume, usage));
  }
}

export class ListKeptVolumes extends Query<KeptVolume[]> {
  constructor(readonly caller: Caller) {
    super();
  }
}

@QueryHandler(ListKeptVolumes)
export class ListKeptVolumesHandler implements IQueryHandler<ListKeptVolumes> {
  constructor(@Inject(CONTEXT) private readonly api: Pick<ProcessContext, 'bus' | 'world'>) {}

  async execute({ caller }: ListKeptVolumes) {
    const kept = this.api.world.leftVolumes
      .all()
      .filter(({ isRemoved, teamId }) => !isRemoved && belongsTo(caller, teamId));
    const usage = await usageOf(this.api, kept);
    return kept
      .map(({ volumeId: id, name, appName: app, appId, path, sizeBytes }) => ({
        ...{ id, name, app, appId, path, sizeBytes },
        ...measuredOf(usage, id),
      }))
      .toSorted((a, b) => (`${a.app} ${a.name}` < `${b.app} ${b.name}` ? -1 : 1));
  }
}

const usageOf = async (
  { bus }: Pick<ProcessContext, 'bus'>,
  volumes: readonly { readonly volumeId: string }[],
): Promise<Usage> => {
  if (volumes.length === 0) return {};
  try {
    const input = { volumeIds: volumes.map(({ volumeId }) => volumeId) };
    const answer = await bus.request('deployer', 'volume-usage', input, { timeoutMs: USAGE_MS });
    return usageAnswer.parse(answer).usage;
  } catch {
    // What is declared is shown all the same.
    return {};
  }
};

const measuredOf = (usage: Usage, id: string): Pick<Volume, 'usedBytes' | 'measuredAt'> => {
  const measured = Object.hasOwn(usage, id) ? usage[id] : undefined;
  return { usedBytes: measured?.usedBytes ?? null, measuredAt: measured?.measuredAt ?? null };
};

export const toVolume = (
  { volumeId: id, ...volume }: VolumeDocument,
  usage: Usage = {},
): Volume => {
  const { name, path, processes, shared, sizeBytes, state, aboveBytes } = volume;
  const { backup = BACKUP_AS_IT_IS } = volume;
  return {
    ...{ id, name, path, processes: [...processes], shared, sizeBytes, state },
    backup,
    aboveSize: aboveBytes !== null,
    ...measuredOf(usage, id),
  };
};
