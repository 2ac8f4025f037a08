import type { LeftVolume, SeenVolume, VolumeFactCommand } from '@shiplog/domain';

/** A volume that was made, and what its app declares by now. */
export interface MadeVolume {
  readonly seen: SeenVolume;
  /** Null where no app declares it any more. */
  readonly sizeBytes: number | null;
}

export interface VolumesInput {
  readonly made: readonly MadeVolume[];
  readonly left: readonly LeftVolume[];
  /** As the engine calls them; complete, or nobody would have come here. */
  readonly there: ReadonlySet<string>;
  /** Bytes by the engine's name, of what was measured since the last time. */
  readonly usage: ReadonlyMap<string, number>;
}

export type VolumeAction =
  | { readonly type: 'record'; readonly command: VolumeFactCommand }
  /** Deletes what is in it, and records that. */
  | { readonly type: 'delete'; readonly volume: LeftVolume };

/** What the log does not say yet about volumes, and what is to be deleted. Pure: equal inputs, equal plans. */
export const planVolumes = ({ made, left, there, usage }: VolumesInput): VolumeAction[] => {
  const doomed = left.filter(({ isRemoved }) => isRemoved);
  const ids = new Set(doomed.map(({ volumeId }) => volumeId));
  return [
    ...doomed.map((volume): VolumeAction => ({ type: 'delete', volume })),
    ...made
      .filter(({ seen }) => !ids.has(seen.volumeId))
      .flatMap((volume) => factsOf(volume, { there, usage }))
      .map((command): VolumeAction => ({ type: 'record', command })),
  ];
};

const factsOf = (
  { seen, sizeBytes }: MadeVolume,
  { there, usage }: Pick<VolumesInput, 'there' | 'usage'>,
): VolumeFactCommand[] => {
  const { volumeId, appId, engineName, status } = seen;
  const of = { volumeId, appId };
  if (!there.has(engineName)) {
    return status === 'created' ? [{ type: 'RecordVolumeMissing', ...of }] : [];
  }
  const usedBytes = usage.get(engineName);
  return [
    ...(status === 'missing' ? [{ type: 'RecordVolumeFound', ...of } as const] : []),
    ...(usedBytes === undefined || sizeBytes === null
      ? []
      : [{ type: 'RecordVolumeUsage', ...of, usedBytes, sizeBytes } as const]),
  ];
};
