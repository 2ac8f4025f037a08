import type { Position, RecordedCommit } from '@shiplog/events';
import { breathe } from '../breathe.js';
import type { PastLog } from '../time/past-log.js';
import { ChangesBetween, type Change } from './changes.js';
import type { ReplayState } from './collect.js';
import { factsOf, type Fact, type ReplayDocuments } from './facts.js';

const PAGE = 500;

export interface Between {
  readonly commits: number;
  readonly changes: readonly Change[];
}

/**
 * What changed from one state to a later one, of what is wanted; the commits between say who and why. In small
 * steps, and no further than the signal.
 */
export const changesBetween = async (
  log: PastLog,
  { before, after }: { readonly before: ReplayState; readonly after: ReplayState },
  isWanted: (fact: Fact) => boolean,
  signal: AbortSignal,
): Promise<Between> => {
  const facts = (documents: ReplayDocuments) =>
    new Map([...factsOf(documents)].filter(([, fact]) => isWanted(fact)));
  const then = facts(before.documents);
  await breathe();
  const between = new ChangesBetween(then, facts(after.documents));
  let commits = 0;
  for await (const page of pagesBetween(log, before.position, after.position)) {
    signal.throwIfAborted();
    commits += page.length;
    for (const record of page) between.add(record);
    await breathe();
  }
  return { commits, changes: between.changes() };
};

async function* pagesBetween(
  log: PastLog,
  after: Position,
  until: Position,
): AsyncIterable<readonly RecordedCommit[]> {
  let at = after;
  while (log.compare(at, until) < 0) {
    const page = await log.readAfter(at, PAGE);
    const wanted = page.filter(({ position }) => log.compare(position, until) <= 0);
    const last = wanted.at(-1);
    if (last === undefined) return;
    yield wanted;
    at = last.position;
  }
}
