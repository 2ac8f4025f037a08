import type { Position, RecordedCommit } from '@shiplog/events';
import type { ReadModels } from '../read-models.port.js';
import type { PastLog } from '../time/past-log.js';
import { ChangesBetween, type Change } from './changes.js';
import { collectDocuments } from './collect.js';
import { factsOf, type Fact, type ReplayDocuments } from './facts.js';

const PAGE = 500;

export const documentsOf = (models: Pick<ReadModels, 'dump'>): Promise<ReplayDocuments> =>
  collectDocuments(models.dump());

export interface Between {
  readonly commits: number;
  readonly changes: readonly Change[];
}

/** What changed from one state to a later one, of what is wanted; the commits between say who and why. */
export const changesBetween = async (
  log: PastLog,
  before: { readonly position: Position; readonly documents: ReplayDocuments },
  after: { readonly position: Position; readonly documents: ReplayDocuments },
  isWanted: (fact: Fact) => boolean,
): Promise<Between> => {
  const facts = (documents: ReplayDocuments) =>
    new Map([...factsOf(documents)].filter(([, fact]) => isWanted(fact)));
  const between = new ChangesBetween(facts(before.documents), facts(after.documents));
  let commits = 0;
  for await (const record of commitsBetween(log, before.position, after.position)) {
    commits += 1;
    between.add(record);
  }
  return { commits, changes: between.changes() };
};

async function* commitsBetween(
  log: PastLog,
  after: Position,
  until: Position,
): AsyncIterable<RecordedCommit> {
  let at = after;
  while (log.compare(at, until) < 0) {
    const page = await log.readAfter(at, PAGE);
    const wanted = page.filter(({ position }) => log.compare(position, until) <= 0);
    const last = wanted.at(-1);
    if (last === undefined) return;
    yield* wanted;
    at = last.position;
  }
}
