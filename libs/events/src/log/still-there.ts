import type { Position } from '../sequence.js';
import { LogWentBackError } from './errors.js';
import type { EventLog } from './event-log.port.js';

/** A commit that somebody has seen, and where they keep that. */
export interface Remembered {
  readonly position: Position;
  readonly hash: string;
  /** Who remembers, such as "the read models in FILE". */
  readonly by: string;
  /** What to delete to make it forget. */
  readonly remedy: string;
}

/** Throws `LogWentBackError` where the log has another commit, or none, at a remembered place. */
export const assertStillThere = async (log: EventLog, remembered: Remembered): Promise<void> => {
  const { position, hash } = remembered;
  const before = (BigInt(position) - 1n).toString().padStart(20, '0');
  const [record] = await log.readAfter(before, 1);
  if (record?.position === position && record.hash === hash) return;
  throw new LogWentBackError(remembered, await log.head());
};
