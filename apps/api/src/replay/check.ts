import { START, type Position } from '@shiplog/events';
import { FoldedLog, type Comparison, type PastLog } from '@shiplog/read-models';
import type { RunningPlatform, Served } from './running-platform.js';

export interface CheckResult extends Comparison, Pick<Served, 'position' | 'from'> {}

/**
 * Folds the whole log with the code of this build and compares with what the platform serves. Reads, and
 * nothing else: the log has no `append` here.
 */
export const checkReplay = async (
  log: PastLog,
  platform: Pick<RunningPlatform, 'served' | 'position'>,
  /** Commits folded, and how many there are; about, where the log's positions are not dense. */
  tell: (done: number, total: number) => void,
): Promise<CheckResult> => {
  const count = (at: Position): number => log.commitsBetween(START, at);
  const folded = new FoldedLog(log);
  // The long stretch first, so that little is left to fold once it is known what is served.
  const soon = await platform.position();
  await folded.foldTo(soon, (at) => tell(count(at), count(soon)));
  const { position, lines, from } = await platform.served();
  await folded.foldTo(position, (at) => tell(count(at), count(position)));
  return { position, from, ...(await folded.compare(lines)) };
};
