import type { Position } from '@shiplog/events';
import type { EventLog, LogFeed } from '@shiplog/events/log';
import { Problem } from './problem.js';

/**
 * Refuses a place that the log has not reached: it is of another log or of a later one, and going on
 * from there would pass over whatever comes, without a word. `path`: where the caller named it.
 */
export const refuseFuture = async (
  { log, feed }: { readonly log: EventLog; readonly feed: LogFeed },
  position: Position,
  path: string,
): Promise<void> => {
  if (log.compare(position, feed.position) <= 0) return;
  if (log.compare(position, await log.head()) <= 0) return;
  const message = `the log does not reach position ${position} yet.`;
  throw new Problem('moment-unknown', `${path}: ${message}`, { errors: [{ path, message }] });
};
