import { streamName, type RecordedCommit, type StreamName } from '@shiplog/events';
import type { ReadModels } from '@shiplog/read-models';
import type { ProcessContext } from '@shiplog/runtime';
import { openInbox } from '../progress/inbox.js';

interface PlatformLogRequest<T> {
  readonly appId: string;
  readonly tail: number;
  readonly follow: boolean;
  readonly documents: ReadModels;
  readonly linesOf: (record: RecordedCommit, appId: string) => readonly T[];
}

const LOOK_MS = 2_000;
/** Builds, deploys and instances looked at for what lies in the past. */
const STREAMS_MAX = 50;

/** Lines made of an app's events: the newest ones there are, then the ones that come. */
export async function* platformLogLines<T>(
  api: Pick<ProcessContext, 'log' | 'feed'>,
  request: PlatformLogRequest<T>,
  signal: AbortSignal,
): AsyncGenerator<T> {
  const { appId, tail, follow, linesOf } = request;
  const inbox = openInbox(api.feed, signal);
  try {
    const past = await pastOf(api, request);
    const lines = past.flatMap((record) => linesOf(record, appId));
    yield* tail === 0 ? [] : lines.slice(-tail);
    if (!follow) return;
    // Streams are read one after the other: what comes meanwhile lies between what was read.
    const told = new Set(past.map(({ position }) => position));
    while (!signal.aborted) {
      const fresh = inbox.take().filter(({ position }) => !told.has(position));
      yield* fresh.flatMap((record) => linesOf(record, appId));
      await inbox.next(LOOK_MS);
    }
  } finally {
    inbox.close();
  }
}

const pastOf = async (
  { log }: Pick<ProcessContext, 'log'>,
  { appId, documents }: Pick<PlatformLogRequest<never>, 'appId' | 'documents'>,
): Promise<RecordedCommit[]> => {
  const page = { appId, limit: STREAMS_MAX };
  const [builds, deploys, running, ended] = await Promise.all([
    documents.builds(page),
    documents.deploys(page),
    documents.instances(page),
    documents.instances({ ...page, ended: true }),
  ]);
  const streams: StreamName[] = [
    streamName('app', appId),
    ...builds.map(({ buildId }) => streamName('build', buildId)),
    ...deploys.map(({ deployId }) => streamName('rollout', deployId)),
    ...[...running, ...ended].map(({ id }) => streamName('instance', id)),
  ];
  const records: RecordedCommit[] = [];
  for (const stream of streams) records.push(...(await log.read(stream)));
  return records.toSorted((a, b) => (a.position < b.position ? -1 : 1));
};
