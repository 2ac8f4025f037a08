import { rolloutIdOf } from '@shiplog/domain';
import {
  streamName,
  type DomainEventUnion,
  type Position,
  type RecordedCommit,
  type StreamName,
} from '@shiplog/events';
import { decodeCommit, type EventLog } from '@shiplog/events/log';
import type { InstanceDocument, ReadModels } from '@shiplog/read-models';
import { GENERATIONS_MAX, keyChangeIn, type Evidence, type Subject } from './causes.js';

export interface CauseSource {
  readonly log: Pick<EventLog, 'read' | 'readStored'>;
  /** As of the moment that is asked for. */
  readonly documents: Pick<ReadModels, 'instance' | 'instances'>;
  readonly until: Position;
}

/** Instances that one answer tells of. */
const INSTANCES_MAX = 200;
/** Routing follows an instance within seconds; who is not routed by then is not looked for to the end. */
const LOOKED_MAX = 2_000;
const LOOKED_IN_ALL_MAX = 20_000;
const BATCH = 500;

/**
 * The commits that tell of the subject: whole streams of app, builds, rollouts and instances, and what
 * routers recorded soon after an instance was ready or retired. Never the whole log.
 */
export const gatherCauses = async (
  source: CauseSource,
  appId: string,
  subject: Subject,
): Promise<Pick<Evidence, 'records' | 'routes'>> => {
  const app = await streamOf(source, streamName('app', appId));
  const known = await instancesOf(source, appId, subject, app);
  const instances: RecordedCommit[] = [];
  for (const { id } of known)
    instances.push(...(await streamOf(source, streamName('instance', id))));
  const events = [...app, ...instances].flatMap(({ commit }) => commit.events);
  const versions = new Set([
    ...events.flatMap((event) => (event.type === 'InstanceScheduled' ? event.data.version : [])),
    ...versionOf(subject, app),
  ]);
  const made = events.filter((event) => isOf(event, versions));
  const generations = new Set([
    ...made.map(({ data }) => data.generation).slice(-GENERATIONS_MAX),
    ...events.flatMap((event) => (event.type === 'InstanceScheduled' ? event.data.generation : [])),
  ]);
  const streams = new Set<StreamName>([
    ...[...generations].map((generation) => streamName('rollout', rolloutIdOf(appId, generation))),
    ...made.flatMap((event) =>
      event.type === 'ReleaseCreated' && event.data.buildId !== null
        ? streamName('build', event.data.buildId)
        : [],
    ),
  ]);
  const more: RecordedCommit[] = [];
  for (const stream of streams) more.push(...(await streamOf(source, stream)));
  const all = [...app, ...instances, ...more, ...(await routesOf(source, instances))];
  return {
    records: all.toSorted((a, b) => (a.position < b.position ? -1 : 1)),
    routes: new Map(known.map(({ id, routes }) => [id, routes])),
  };
};

const isOf = (
  event: DomainEventUnion,
  versions: ReadonlySet<number>,
): event is Extract<DomainEventUnion, { type: 'ReleaseCreated' | 'AppRestarted' }> =>
  (event.type === 'ReleaseCreated' || event.type === 'AppRestarted') &&
  versions.has(event.data.version);

const streamOf = async (
  { log, until }: CauseSource,
  stream: StreamName,
): Promise<readonly RecordedCommit[]> =>
  (await log.read(stream)).filter(({ position }) => position <= until);

/** The release that is asked for, or that a config key went into first. */
const versionOf = (subject: Subject, app: readonly RecordedCommit[]): readonly number[] => {
  if (subject.kind === 'release') return [subject.version];
  if (subject.kind !== 'key') return [];
  const change = keyChangeIn(app, subject.key);
  if (change === undefined) return [];
  const released = app
    .filter(({ position }) => position >= change.position)
    .flatMap(({ commit }) => commit.events)
    .find((event) => event.type === 'ReleaseCreated');
  return released === undefined ? [] : [released.data.version];
};

type KnownInstance = Pick<InstanceDocument, 'id' | 'routes'>;

const instancesOf = async (
  { documents }: CauseSource,
  appId: string,
  subject: Subject,
  app: readonly RecordedCommit[],
): Promise<readonly KnownInstance[]> => {
  if (subject.kind === 'instance') {
    const id = subject.instanceId;
    return [(await documents.instance(id)) ?? { id, routes: {} }];
  }
  const limit = INSTANCES_MAX;
  const running = await documents.instances({ appId, limit });
  const isRouted = ({ routes }: KnownInstance): boolean => Object.values(routes).includes('routed');
  if (subject.kind === 'route' || subject.kind === 'port') return running.filter(isRouted);
  const ended = await documents.instances({ appId, ended: true, limit });
  const versions = new Set(versionOf(subject, app));
  return [...ended, ...running]
    .filter(({ version }) => versions.has(version))
    .slice(-INSTANCES_MAX);
};

/** What routers recorded of the instances, looked for where it is to be expected. */
const routesOf = async (
  source: CauseSource,
  instances: readonly RecordedCommit[],
): Promise<readonly RecordedCommit[]> => {
  const search = new RouteSearch(source);
  for (const anchor of anchorsIn(instances)) await search.lookAfter(anchor);
  const ids = new Set(anchorsIn(instances).map(({ id }) => id));
  return search.found.filter((record) => [...ids].some((id) => names(record, id)));
};

interface Anchor {
  readonly id: string;
  readonly position: Position;
}

/** Reads on from where something happened until a router names it; gives up where that would take long. */
class RouteSearch {
  private readonly byPosition = new Map<Position, RecordedCommit>();
  private left = LOOKED_IN_ALL_MAX;

  constructor(private readonly source: CauseSource) {}

  get found(): readonly RecordedCommit[] {
    return [...this.byPosition.values()];
  }

  async lookAfter(anchor: Anchor): Promise<void> {
    let after: Position | undefined = anchor.position;
    for (let looked = 0; looked < LOOKED_MAX && this.left > 0; looked += BATCH) {
      if (after === undefined || after >= this.source.until || this.isNamedAfter(anchor)) return;
      after = await this.readOn(after);
    }
  }

  /** Where to go on; undefined at the end of the log. */
  private async readOn(after: Position): Promise<Position | undefined> {
    const { log, until } = this.source;
    const batch = await log.readStored(after, BATCH);
    this.left -= batch.length;
    for (const { stream, bytes, hash, position } of batch) {
      if (!stream.startsWith('router.') || position > until) continue;
      const commit = decodeCommit(bytes, hash, position);
      this.byPosition.set(position, { position, revision: position, hash, commit });
    }
    return batch.length < BATCH ? undefined : batch.at(-1)?.position;
  }

  private isNamedAfter({ id, position }: Anchor): boolean {
    return this.found.some((record) => record.position > position && names(record, id));
  }
}

const names = ({ commit }: RecordedCommit, id: string): boolean =>
  commit.events.some(
    ({ type, data }) =>
      type === 'RoutesApplied' && [...data.routed, ...data.unrouted, ...data.drained].includes(id),
  );

/**
 * Where something is recorded that routers follow: first and last readiness, and retirement; nothing of
 * instances without a port, which no router ever heard of.
 */
const anchorsIn = (instances: readonly RecordedCommit[]): readonly Anchor[] => {
  const unreachable = new Set<string>();
  const ready = new Map<string, Position[]>();
  const anchors: Anchor[] = [];
  for (const { commit, position } of instances) {
    for (const event of commit.events) {
      if (event.type === 'InstanceScheduled' && event.data.port === null) {
        unreachable.add(event.data.instanceId);
      }
      if (event.type === 'InstanceReady') {
        const { instanceId } = event.data;
        ready.set(instanceId, [...(ready.get(instanceId) ?? []).slice(0, 1), position]);
      }
      if (event.type === 'InstanceRetired') {
        anchors.push({ id: event.data.instanceId, position });
      }
    }
  }
  for (const [id, places] of ready) {
    for (const position of new Set(places)) anchors.push({ id, position });
  }
  const reachable = anchors.filter(({ id }) => !unreachable.has(id));
  return reachable.toSorted((a, b) => (a.position < b.position ? -1 : 1));
};
