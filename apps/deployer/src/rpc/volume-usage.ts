import { z } from 'zod';
import type { Measured, VolumeKeeper } from '../volumes/volume-keeper.js';

export const volumeUsageInput = z.object({ volumeIds: z.array(z.string()).max(2000) });

/** What was in them when they were counted last; those that were not are left out. */
export const volumeUsage = (
  keeper: Pick<VolumeKeeper, 'usageOf'>,
  { volumeIds }: z.infer<typeof volumeUsageInput>,
): { readonly usage: Readonly<Record<string, Measured>> } => ({
  usage: Object.fromEntries(
    volumeIds.flatMap((volumeId) => {
      const measured = keeper.usageOf(volumeId);
      return measured === null ? [] : [[volumeId, measured]];
    }),
  ),
});
