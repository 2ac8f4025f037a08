import type { ReleaseDocument } from '../documents.js';
import { defineProjection, type Envelope, type EventNamed, type Rows } from '../projection.js';
import { buildRequestKey, buildRequestOf, whoAndWhy, type BuildRequest } from './build-request.js';

const EVENTS = [
  'ConfigChanged',
  'BuildRequested',
  'ReleaseCreated',
  'ReleasePromoted',
  'AppRestarted',
  'RolloutStarted',
  'RolloutCompleted',
  'RolloutFailed',
  'RolloutCancelled',
  'AppDestroyed',
] as const;
type ReleaseModelEvent = EventNamed<(typeof EVENTS)[number]>;

/** Where an app stands: which release serves, which is the newest, what config changed since. */
interface AppReleases {
  readonly kind: 'app';
  readonly live: string | null;
  readonly newest: string | null;
  readonly set: readonly string[];
  readonly unset: readonly string[];
}
type Memory = AppReleases | BuildRequest;
type ReleaseRows = Rows<ReleaseDocument, Memory>;

const NOTHING: AppReleases = { kind: 'app', live: null, newest: null, set: [], unset: [] };

/** Zero-padded, so that key order is version order. */
export const releaseKey = (appId: string, version: number): string =>
  `${appId}.${version.toString().padStart(10, '0')}`;

export const releaseProjection = defineProjection<'releases', (typeof EVENTS)[number], Memory>({
  model: 'releases',
  version: 2,
  events: EVENTS,
  indexed: ['appId'],
  needs: (event) => {
    const { appId } = event.data;
    switch (event.type) {
      case 'BuildRequested':
        return { memories: [buildRequestKey(event.data.buildId)] };
      case 'ReleaseCreated': {
        const { version, buildId } = event.data;
        const build = buildId === null ? [] : [buildRequestKey(buildId)];
        return { fresh: [releaseKey(appId, version)], memories: [appId, ...build] };
      }
      case 'ReleasePromoted':
      case 'RolloutStarted':
      case 'RolloutCompleted':
      case 'RolloutFailed':
      case 'RolloutCancelled':
        return { documents: [releaseKey(appId, event.data.version)], memories: [appId] };
      case 'ConfigChanged':
      case 'AppRestarted':
      case 'AppDestroyed':
        return { memories: [appId] };
    }
  },
  behind: (memory) =>
    memory.kind === 'app' ? [memory.live, memory.newest].filter((key) => key !== null) : [],
  evolve: (rows, event, at) => evolve(rows, event, at),
  columns: ({ appId, state }) => ({ appId, status: state }),
});

const evolve = (rows: ReleaseRows, event: ReleaseModelEvent, at: Envelope): void => {
  if (event.type === 'BuildRequested') {
    return rows.remember(buildRequestKey(event.data.buildId), buildRequestOf(event, at));
  }
  const { appId } = event.data;
  const app = appMemory(rows, appId);
  switch (event.type) {
    case 'ConfigChanged':
      return rows.remember(appId, withConfigKeys(app, event.data));
    case 'ReleaseCreated':
      return create(rows, app, event, at);
    case 'ReleasePromoted':
      return promoted(rows, event);
    case 'AppRestarted':
      // A release that was still waiting will not be rolled out: the restarted one is.
      if (app.newest !== releaseKey(appId, event.data.version)) supersedePending(rows, app.newest);
      return;
    case 'RolloutCompleted':
      return complete(rows, app, event, at);
    case 'RolloutStarted':
    case 'RolloutFailed':
    case 'RolloutCancelled':
      return changeUnlessLive(rows, event);
    case 'AppDestroyed':
      return end(rows, app);
  }
};

const appMemory = (rows: ReleaseRows, appId: string): AppReleases => {
  const memory = rows.memory(appId);
  return memory?.kind === 'app' ? memory : NOTHING;
};

const create = (
  rows: ReleaseRows,
  app: AppReleases,
  { data }: EventNamed<'ReleaseCreated'>,
  at: Envelope,
): void => {
  const { appId, version, generation, image, buildId, processes, rollbackOf, cause } = data;
  const memory = buildId === null ? undefined : rows.memory(buildRequestKey(buildId));
  const build = memory?.kind === 'build' ? memory : undefined;
  const { by, reason } = whoAndWhy(at, build);
  const key = releaseKey(appId, version);
  supersedePending(rows, app.newest);
  rows.replace(key, {
    appId,
    version,
    generation,
    image,
    buildId,
    processes,
    rollbackOf,
    cause,
    state: 'pending',
    commit: build?.commit ?? null,
    branch: build?.branch ?? null,
    promotedFrom: null,
    configChanges: { set: app.set, unset: app.unset },
    createdAt: at.time,
    createdBy: by,
    reason,
    liveAt: null,
    explanation: null,
  });
  rows.remember(appId, { ...app, newest: key, set: [], unset: [] });
};

/** It was built for another app, from a commit that this one never saw. */
const promoted = (rows: ReleaseRows, { data }: EventNamed<'ReleasePromoted'>): void => {
  const { appId, version, fromAppId, fromVersion, commit, branch } = data;
  const key = releaseKey(appId, version);
  const release = rows.document(key);
  if (release === undefined) return;
  const promotedFrom = { appId: fromAppId, version: fromVersion };
  rows.put(key, { ...release, promotedFrom, commit, branch });
};

const supersedePending = (rows: ReleaseRows, key: string | null): void => {
  const release = key === null ? undefined : rows.document(key);
  if (key !== null && release?.state === 'pending') {
    rows.put(key, { ...release, state: 'superseded' });
  }
};

const complete = (
  rows: ReleaseRows,
  app: AppReleases,
  { data: { appId, version } }: EventNamed<'RolloutCompleted'>,
  at: Envelope,
): void => {
  const key = releaseKey(appId, version);
  const release = rows.document(key);
  if (release === undefined) return;
  const before = app.live === null || app.live === key ? undefined : rows.document(app.live);
  if (app.live !== null && before !== undefined) {
    rows.put(app.live, { ...before, state: 'superseded' });
  }
  rows.put(key, {
    ...release,
    state: 'live',
    liveAt: release.liveAt ?? at.time,
    explanation: null,
  });
  rows.remember(appId, { ...app, live: key });
};

/** A restart that does not succeed leaves the release that serves as it is. */
const changeUnlessLive = (
  rows: ReleaseRows,
  event: EventNamed<'RolloutStarted' | 'RolloutFailed' | 'RolloutCancelled'>,
): void => {
  const key = releaseKey(event.data.appId, event.data.version);
  const release = rows.document(key);
  if (release === undefined || release.state === 'live') return;
  switch (event.type) {
    case 'RolloutStarted':
      return rows.put(key, { ...release, state: 'rolling-out', explanation: null });
    case 'RolloutFailed':
      return rows.put(key, { ...release, state: 'failed', explanation: event.data.explanation });
    case 'RolloutCancelled':
      return rows.put(key, {
        ...release,
        state: event.data.cause === 'superseded' ? 'superseded' : 'cancelled',
      });
  }
};

const end = (rows: ReleaseRows, app: AppReleases): void => {
  const live = app.live === null ? undefined : rows.document(app.live);
  if (app.live !== null && live !== undefined) rows.put(app.live, { ...live, state: 'superseded' });
  const newest = app.newest === null ? undefined : rows.document(app.newest);
  if (app.newest !== null && newest?.state === 'pending') {
    rows.put(app.newest, { ...newest, state: 'cancelled' });
  }
};

const withConfigKeys = (
  app: AppReleases,
  { set, unset }: { set: Readonly<Record<string, string>>; unset: readonly string[] },
): AppReleases => {
  const keys = Object.keys(set);
  return {
    ...app,
    set: [...new Set([...app.set, ...keys])].filter((key) => !unset.includes(key)).toSorted(),
    unset: [...new Set([...app.unset, ...unset])].filter((key) => !keys.includes(key)).toSorted(),
  };
};
