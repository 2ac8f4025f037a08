import { createHash } from 'node:crypto';
import {
  deciderOf,
  foldEvents,
  proposeUndo,
  type UndoFacts,
  type UndoProposal,
  type World,
} from '@shiplog/domain';
import {
  aggregateOf,
  idOf,
  positionBefore,
  START,
  toPosition,
  toSequence,
  type RecordedCommit,
  type Revision,
  type Sequence,
} from '@shiplog/events';
import type { ProcessContext } from '@shiplog/runtime';
import canonicalize from 'canonicalize';
import type { Caller } from '../auth/caller.js';
import { isWanted } from '../events/event-filter.js';
import { Problem } from '../http/problem.js';

type Api = Pick<ProcessContext, 'log' | 'feed' | 'world'>;

/** A change of the past, and what would take it back today. */
export interface ChangeAt {
  readonly record: RecordedCommit;
  readonly proposal: UndoProposal;
  /** Of its stream, when the proposal was made. */
  readonly revision: Revision;
  /** Names this proposal, on this revision. */
  readonly plan: string;
}

/** The change at a place of the log, for those who may see it; others are told what is told of none. */
export const changeAt = async (
  api: Api,
  { sequence, caller, force }: { sequence: string; caller: Caller; force: boolean },
): Promise<ChangeAt> => {
  const { log, world } = api;
  const record = await recordAt(api, sequence);
  const seen = { caller, appId: undefined, types: undefined };
  if (!record?.commit.events.some((event) => isWanted(event, seen, world))) {
    throw new Problem(
      'change-not-found',
      `There is no change at ${sequence} that you can see. \`shiplog events\` shows the ones there are.`,
    );
  }
  const { stream } = record.commit;
  const aggregate = aggregateOf(stream);
  const records = await log.read(stream);
  const place = records.findIndex(({ position }) => position === record.position);
  const fold = (some: readonly RecordedCommit[]): unknown =>
    foldEvents(
      aggregate,
      deciderOf(aggregate).initialState,
      some.flatMap<unknown>(({ commit }) => commit.events),
    );
  const proposal = proposeUndo({
    commit: record,
    before: fold(records.slice(0, place)),
    now: fold(records),
    later: records.slice(place + 1),
    facts: { ...factsOf(world, idOf(stream)), cause: await causeOf(log, record) },
    force,
  });
  const { revision } = records.at(-1) ?? record;
  const plan = createHash('sha256')
    .update(canonicalize({ proposal, revision }) ?? '')
    .digest('hex');
  return { record, proposal, revision, plan };
};

const recordAt = async (
  { log, feed }: Api,
  sequence: string,
): Promise<RecordedCommit | undefined> => {
  const [place = '', index] = sequence.split('-');
  const position = toPosition(BigInt(place));
  // Facts are taken from the world: it has to have seen what the log has.
  const head = await feed.catchUp();
  if (log.compare(position, head) > 0) return undefined;
  const [record] = await log.readAfter(positionBefore(position), 1);
  const isThere = record?.position === position && Number(index ?? 0) < record.commit.events.length;
  return isThere ? record : undefined;
};

/** How far around it the change is looked for that something follows from. */
const COMMITS_BEFORE = 2_000;
const COMMITS_AFTER = 20;

/** The change of an app that one request made, and of which this is a part or a consequence. */
const causeOf = async (
  log: Api['log'],
  { position, commit: { correlation, stream } }: RecordedCommit,
): Promise<Sequence | null> => {
  // Where positions are not counted, there is no going back by so many without reading it all.
  if (aggregateOf(stream) === 'app' || !log.isDense) return null;
  const start = BigInt(position) - BigInt(COMMITS_BEFORE);
  const records = await log.readAfter(
    start > 0n ? toPosition(start) : START,
    COMMITS_BEFORE + COMMITS_AFTER,
  );
  const related = records.filter(
    ({ commit }) => commit.correlation === correlation && aggregateOf(commit.stream) === 'app',
  );
  const isBefore = (one: RecordedCommit): boolean => log.compare(one.position, position) < 0;
  const cause = related.findLast(isBefore) ?? related[0];
  return cause === undefined ? null : toSequence(cause.position, 0);
};

/** What the streams of others say about an app. */
const factsOf = (world: World, appId: string): Omit<UndoFacts, 'cause'> => {
  const builds = Object.entries(world.app(appId)?.builds ?? {});
  return {
    liveVersion: world.liveOf(appId)?.release.version ?? null,
    isRollingOut: (world.deployment(appId)?.target ?? null) !== null,
    openBuilds: builds.flatMap(([buildId, { cancelRequested }]) => {
      const { status } = world.get('build', buildId).state;
      const isOpen = !cancelRequested && (status === 'none' || status === 'running');
      return isOpen ? [buildId] : [];
    }),
  };
};
