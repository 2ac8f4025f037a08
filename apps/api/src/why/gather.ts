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
import { keyChangeIn, type Subject } from './causes.js';

export interface CauseSource {
  readonly log: Pick<EventLog, 'read' | 'readStored'>;
  /** As of the moment that is asked for. */
  readonly documents: Pick<ReadModels, 'instances'>;
  readonly until: Position;
}

/** Instances that one answer tells of. */
const INSTANCES_MAX = 200;
/** Routing follows an instance within seconds; who is not routed by then is not looked for to the end. */
const LOOKED_MAX = 2_000;
const BATCH = 500;

/**
 * The commits that tell of the subject: whole streams of app, builds, rollouts and instances, and what
 * routers recorded soon after an instance was ready or retired. Never the whole log.
 */
export const gatherCauses = async (
  source: CauseSource,
  appId: string,
  subject: Subject,
): Promise<readonly RecordedCommit[]> => {
  const app = await streamOf(source, streamName('app', appId));
  const instances = await instancesOf(source, appId, subject, app);
  const events = [...app, ...instances].flatMap(({ commit }) => commit.events);
  const versions = new Set([
    ...events.flatMap((event) => (event.type === 'InstanceScheduled' ? event.data.version : [])),
    ...versionOf(subject, app),
  ]);
  const ids = new Set<StreamName>();
  for (const event of events) {
    if (event.type === 'InstanceScheduled') {
      ids.add(streamName('rollout', rolloutIdOf(appId, event.data.generation)));
    }
    if (!isOf(event, versions)) continue;
    const { generation } = event.data;
    ids.add(streamName('rollout', rolloutIdOf(appId, generation)));
    const buildId = event.type === 'ReleaseCreated' ? event.data.buildId : null;
    if (buildId !== null) ids.add(streamName('build', buildId));
  }
  const more: RecordedCommit[] = [];
  for (const id of ids) more.push(...(await streamOf(source, id)));
  const routes = await routesOf(source, instances);
  const all = [...app, ...instances, ...more, ...routes];
  return all.toSorted((a, b) => (a.position < b.position ? -1 : 1));
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

const instancesOf = async (
  source: CauseSource,
  appId: string,
  subject: Subject,
  app: readonly RecordedCommit[],
): Promise<readonly RecordedCommit[]> => {
  const records: RecordedCommit[] = [];
  for (const id of await instanceIds(source, appId, subject, app)) {
    records.push(...(await streamOf(source, streamName('instance', id))));
  }
  return records;
};

const instanceIds = async (
  { documents }: CauseSource,
  appId: string,
  subject: Subject,
  app: readonly RecordedCommit[],
): Promise<readonly string[]> => {
  if (subject.kind === 'instance') return [subject.instanceId];
  const limit = INSTANCES_MAX;
  const running = await documents.instances({ appId, limit });
  const isRouted = ({ routes }: InstanceDocument): boolean =>
    Object.values(routes).includes('routed');
  if (subject.kind === 'route') return running.filter(isRouted).map(({ id }) => id);
  const ended = await documents.instances({ appId, ended: true, limit });
  const versions = new Set(versionOf(subject, app));
  return [...ended, ...running]
    .filter(({ version }) => versions.has(version))
    .slice(-INSTANCES_MAX)
    .map(({ id }) => id);
};

/** What routers recorded of the instances, looked for where it is to be expected. */
const routesOf = async (
  { log, until }: CauseSource,
  instances: readonly RecordedCommit[],
): Promise<readonly RecordedCommit[]> => {
  const found = new Map<Position, RecordedCommit>();
  const names = (record: RecordedCommit, id: string): boolean =>
    record.commit.events.some(
      ({ type, data }) =>
        type === 'RoutesApplied' &&
        [...data.routed, ...data.unrouted, ...data.drained].includes(id),
    );
  for (const { id, position } of anchorsIn(instances)) {
    const isKnown = [...found.values()].some((r) => r.position > position && names(r, id));
    if (isKnown) continue;
    let after = position;
    for (let looked = 0; looked < LOOKED_MAX && after < until; looked += BATCH) {
      const batch = await log.readStored(after, BATCH);
      for (const { stream, bytes, hash, position: at } of batch) {
        if (!stream.startsWith('router.') || at > until || found.has(at)) continue;
        const commit = decodeCommit(bytes, hash, at);
        found.set(at, { position: at, revision: at, hash, commit });
      }
      const last = batch.at(-1);
      if (last === undefined || batch.length < BATCH) break;
      if ([...found.values()].some((r) => r.position > position && names(r, id))) break;
      after = last.position;
    }
  }
  const ids = new Set(anchorsIn(instances).map(({ id }) => id));
  return [...found.values()].filter((record) => [...ids].some((id) => names(record, id)));
};

/** Where something is recorded that routers follow: first and last readiness, and retirement. */
const anchorsIn = (
  instances: readonly RecordedCommit[],
): readonly { readonly id: string; readonly position: Position }[] => {
  const ready = new Map<string, Position[]>();
  const anchors: { id: string; position: Position }[] = [];
  for (const { commit, position } of instances) {
    for (const event of commit.events) {
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
  return anchors.toSorted((a, b) => (a.position < b.position ? -1 : 1));
};
