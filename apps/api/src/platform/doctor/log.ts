import type { EsdbFacts } from '@shiplog/events/esdb';
import type { EventLog } from '@shiplog/events/log';
import { diskObstacle, pathsOf, type ProcessContext } from '@shiplog/runtime';
import { durabilityVerdict, type DurabilityProof } from './durability.js';
import { ESDB_DURABILITY, esdbAccessVerdict } from './esdb.js';
import { LAG_COMMITS_MAX } from './lag.js';
import { gapsVerdict, settingsVerdict, type StreamCheck } from './stream.js';
import { bad, ok, type Verdict } from './verdict.js';

/** Whether the log takes commits, and how far the api has read it. */
export const logVerdict = async ({
  config,
  log,
  feed,
}: Pick<ProcessContext, 'config' | 'log' | 'feed'>): Promise<Verdict> => {
  const full = await diskObstacle(pathsOf(config.home).natsStore)();
  if (full !== undefined) {
    return bad('failed', full, 'until there is room nothing can be changed; running apps go on');
  }
  const head = await log.head();
  const behind = Math.max(0, log.commitsBetween(feed.position, head));
  const long = log.isDense ? `${Number(head)} commits` : `up to place ${Number(head)}`;
  return behind <= LAG_COMMITS_MAX
    ? ok(`answers; ${long}, all read${behind > 0 ? ` but ${behind}` : ''}`)
    : bad('warning', `the api is ${behind} commits behind`, 'wait; if it grows, restart the api');
};

interface LogNotes {
  readonly durability: string;
  readonly proof: DurabilityProof | undefined;
  readonly check: StreamCheck | undefined;
  readonly nowMs: number;
}

/** About what holds the log, which is a stream of nats-server or an EventStoreDB. */
export const holderVerdicts = (
  log: EventLog,
  { durability, proof, check, nowMs }: LogNotes,
): readonly (readonly [name: string, look: () => Promise<Verdict>])[] =>
  hasEsdbFacts(log)
    ? [
        ['durability', () => Promise.resolve(ESDB_DURABILITY)],
        ['log access', async () => esdbAccessVerdict(await log.inspect())],
      ]
    : [
        ['durability', () => Promise.resolve(durabilityVerdict(durability, proof, nowMs))],
        ['log stream', () => Promise.resolve(settingsVerdict(check, nowMs))],
        ['gaps', () => Promise.resolve(gapsVerdict(check, nowMs))],
      ];

/** The adapter is loaded for those alone who have an EventStoreDB: it is known by what it can tell. */
const hasEsdbFacts = (log: EventLog): log is EventLog & { inspect(): Promise<EsdbFacts> } =>
  'inspect' in log;
