import type { RecordedCommit } from '../commit.js';
import type { EventLog } from '../log/event-log.port.js';
import type { Position } from '../sequence.js';

/** What was changed since; that something was refused is recorded, too, and changes nothing. */
export const changesAfter = async (
  log: Pick<EventLog, 'readAfter'>,
  head: Position,
): Promise<readonly RecordedCommit[]> =>
  (await log.readAfter(head, 1_000)).filter(({ commit }) => !commit.stream.startsWith('audit.'));
