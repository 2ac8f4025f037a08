import { readFile, rm } from 'node:fs/promises';
import { z } from 'zod';
import { backupPaths } from '../parts/recovery-key.js';

const restoredFact = z.object({
  backupId: z.string(),
  target: z.string(),
  position: z.string(),
  restoredAt: z.string(),
  withKeys: z.boolean(),
});

/** What a restore left in the home, for the log that it could not write to; undefined: nothing. */
export const readRestored = async (
  home: string,
): Promise<z.infer<typeof restoredFact> | undefined> => {
  const text = await readFile(backupPaths(home).restored, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : restoredFact.parse(JSON.parse(text));
};

export const forgetRestored = (home: string): Promise<void> =>
  rm(backupPaths(home).restored, { force: true });
