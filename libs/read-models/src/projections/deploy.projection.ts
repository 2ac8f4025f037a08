import { rolloutIdOf } from '@shiplog/domain';
import type { DeployDocument } from '../documents.js';
import { defineProjection, type Envelope, type EventNamed, type Rows } from '../projection.js';
import { buildRequestKey, buildRequestOf, whoAndWhy, type BuildRequest } from './build-request.js';

const EVENTS = [
  'BuildRequested',
  'ReleaseCreated',
  'AppRestarted',
  'RolloutCancelRequested',
  'RolloutStarted',
  'RolloutStrategySet',
  'RolloutStepped',
  'RolloutCompleted',
  'RolloutFailed',
  'RolloutCancelled',
  'AppDestroyed',
] as const;
type DeployModelEvent = EventNamed<(typeof EVENTS)[number]>;

interface NewestDeploy {
  readonly kind: 'app';
  readonly newest: string;
}
type Memory = NewestDeploy | BuildRequest;
type DeployRows = Rows<DeployDocument, Memory>;

/** A deploy is known from its intent on; the rollout is what the deployer makes of it. */
export const deployProjection = defineProjection<'deploys', (typeof EVENTS)[number], Memory>({
  model: 'deploys',
  version: 2,
  events: EVENTS,
  indexed: ['appId'],
  needs: (event) => {
    const { appId } = event.data;
    switch (event.type) {
      case 'BuildRequested':
        return { memories: [buildRequestKey(event.data.buildId)] };
      case 'ReleaseCreated': {
        const { buildId, generation } = event.data;
        const build = buildId === null ? [] : [buildRequestKey(buildId)];
        return { fresh: [rolloutIdOf(appId, generation)], memories: [appId, ...build] };
      }
      case 'AppRestarted':
        return { fresh: [rolloutIdOf(appId, event.data.generation)], memories: [appId] };
      case 'AppDestroyed':
        return { memories: [appId] };
      case 'RolloutCancelRequested':
      case 'RolloutStarted':
      case 'RolloutStrategySet':
      case 'RolloutStepped':
      case 'RolloutCompleted':
      case 'RolloutFailed':
      case 'RolloutCancelled':
        return { documents: [event.data.rolloutId] };
    }
  },
  behind: (memory) => (memory.kind === 'app' ? [memory.newest] : []),
  evolve: (rows, event, at) => evolve(rows, event, at),
  columns: ({ appId, status }) => ({ appId, status }),
});

const evolve = (rows: DeployRows, event: DeployModelEvent, at: Envelope): void => {
  switch (event.type) {
    case 'BuildRequested':
      return rows.remember(buildRequestKey(event.data.buildId), buildRequestOf(event, at));
    case 'ReleaseCreated': {
      const { buildId, cause } = event.data;
      const memory = buildId === null ? undefined : rows.memory(buildRequestKey(buildId));
      const build = memory?.kind === 'build' ? memory : undefined;
      return want(rows, event.data, { ...whoAndWhy(at, build), cause, buildId }, at);
    }
    case 'AppRestarted':
      return want(
        rows,
        event.data,
        { by: at.by, reason: at.reason, cause: 'restart', buildId: null },
        at,
      );
    case 'AppDestroyed':
      return cancelPending(rows, event.data.appId, 'app-destroyed', at);
    case 'RolloutCancelRequested':
    case 'RolloutStarted':
    case 'RolloutStrategySet':
    case 'RolloutStepped':
    case 'RolloutCompleted':
    case 'RolloutFailed':
    case 'RolloutCancelled': {
      const deploy = rows.document(event.data.rolloutId);
      if (deploy !== undefined) rows.put(event.data.rolloutId, evolveKnown(deploy, event, at));
    }
  }
};

const want = (
  rows: DeployRows,
  { appId, generation, version }: { appId: string; generation: number; version: number },
  why: {
    by: string;
    reason: string | null;
    cause: DeployDocument['cause'];
    buildId: string | null;
  },
  at: Envelope,
): void => {
  cancelPending(rows, appId, 'superseded', at);
  const deployId = rolloutIdOf(appId, generation);
  rows.replace(deployId, {
    deployId,
    appId,
    generation,
    version,
    fromVersion: null,
    status: 'pending',
    cause: why.cause,
    buildId: why.buildId,
    cancelRequested: false,
    cancelCause: null,
    requestedAt: at.time,
    requestedBy: why.by,
    reason: why.reason,
    startedAt: null,
    finishedAt: null,
    deadline: null,
    explanation: null,
    strategy: null,
    step: 0,
    percent: null,
  });
  rows.remember(appId, { kind: 'app', newest: deployId });
};

/** What was not started yet never will be: the deployer goes for the newest generation only. */
const cancelPending = (
  rows: DeployRows,
  appId: string,
  cancelCause: NonNullable<DeployDocument['cancelCause']>,
  at: Envelope,
): void => {
  const memory = rows.memory(appId);
  if (memory?.kind !== 'app') return;
  const deploy = rows.document(memory.newest);
  if (deploy?.status !== 'pending') return;
  rows.put(memory.newest, { ...deploy, status: 'cancelled', cancelCause, finishedAt: at.time });
};

const evolveKnown = (
  deploy: DeployDocument,
  event: EventNamed<
    | 'RolloutCancelRequested'
    | 'RolloutStarted'
    | 'RolloutStrategySet'
    | 'RolloutStepped'
    | 'RolloutCompleted'
    | 'RolloutFailed'
    | 'RolloutCancelled'
  >,
  at: Envelope,
): DeployDocument => {
  switch (event.type) {
    case 'RolloutCancelRequested':
      return { ...deploy, cancelRequested: true };
    case 'RolloutStarted': {
      const { fromVersion, deadline } = event.data;
      return {
        ...deploy,
        status: 'running',
        fromVersion,
        deadline,
        startedAt: at.time,
        finishedAt: null,
        cancelCause: null,
        strategy: 'rolling',
      };
    }
    case 'RolloutStrategySet':
      return { ...deploy, strategy: event.data.strategy.kind };
    case 'RolloutStepped':
      return { ...deploy, step: event.data.step, percent: event.data.percent };
    case 'RolloutCompleted':
      return { ...deploy, status: 'completed', finishedAt: at.time };
    case 'RolloutFailed':
      return {
        ...deploy,
        status: 'failed',
        explanation: event.data.explanation,
        finishedAt: at.time,
      };
    case 'RolloutCancelled':
      return {
        ...deploy,
        status: 'cancelled',
        cancelCause: event.data.cause,
        finishedAt: at.time,
      };
  }
};
