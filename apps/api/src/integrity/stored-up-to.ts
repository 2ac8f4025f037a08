import { START, toPosition, type Position } from '@shiplog/events';
import type { EventLog, StoredCommit } from '@shiplog/events/log';

type StoredLog = Pick<EventLog, 'readStored' | 'readCheckable' | 'isDense'>;

/** Small, so that what was read and not looked at yet is little; many on their way, so that the server is never idle. */
const BATCH = 500;
const ON_THEIR_WAY = 4;

interface Asked {
  readonly after: Position;
  readonly batch: Promise<readonly StoredCommit[]>;
}

/** Commits up to a place as they are stored; the next batches are on their way while one is looked at. */
export async function* storedUpTo(
  log: StoredLog,
  until: Position,
): AsyncGenerator<readonly StoredCommit[]> {
  let asked = askedAhead(log, [ask(log, START)], until);
  for (;;) {
    const batch = (await asked[0]?.batch) ?? [];
    const last = batch.at(-1);
    if (last === undefined) return;
    if (last.position >= until) {
      yield batch.filter(({ position }) => position <= until);
      return;
    }
    asked = asked.slice(1);
    // What was asked for as if no commit were missing is of no use where one is.
    if (asked[0]?.after !== last.position) asked = [ask(log, last.position)];
    asked = askedAhead(log, asked, until);
    yield batch;
  }
}

const ask = (log: StoredLog, after: Position): Asked => {
  const batch = log.readCheckable?.(after, BATCH) ?? log.readStored(after, BATCH);
  // Its failure is seen when its turn comes.
  batch.catch(() => undefined);
  return { after, batch };
};

/** Where positions are dense, where the batches after this one begin is known before it is there. */
const askedAhead = (log: StoredLog, asked: readonly Asked[], until: Position): readonly Asked[] => {
  if (!log.isDense) return asked;
  const ahead = [...asked];
  while (ahead.length < ON_THEIR_WAY) {
    const next = toPosition(Number(ahead.at(-1)?.after ?? START) + BATCH);
    if (next >= until) break;
    ahead.push(ask(log, next));
  }
  return ahead;
};
