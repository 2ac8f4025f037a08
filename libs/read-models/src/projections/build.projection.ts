import type { BuildDocument } from '../documents.js';
import { defineProjection, type Envelope, type EventNamed } from '../projection.js';

const EVENTS = [
  'BuildRequested',
  'BuildCancelRequested',
  'BuildStarted',
  'BuildSucceeded',
  'BuildFailed',
  'BuildCancelled',
  'ImageRebuilt',
  'ImageLost',
  'ReleaseCreated',
] as const;
type BuildModelEvent = EventNamed<(typeof EVENTS)[number]>;

export const buildProjection = defineProjection({
  model: 'builds',
  version: 1,
  events: EVENTS,
  indexed: ['appId'],
  needs: ({ type, data: { buildId } }) => {
    if (buildId === null) return {};
    return type === 'BuildRequested' ? { fresh: [buildId] } : { documents: [buildId] };
  },
  evolve: (rows, event, at) => {
    const { buildId } = event.data;
    if (buildId === null) return;
    if (event.type === 'BuildRequested') return rows.replace(buildId, requested(event, at));
    const build = rows.document(buildId);
    if (build !== undefined) rows.put(buildId, evolveKnown(build, event, at));
  },
  columns: ({ appId, status }) => ({ appId, status }),
});

const requested = (
  { data: { buildId, appId, source } }: EventNamed<'BuildRequested'>,
  at: Envelope,
): BuildDocument => ({
  buildId,
  appId,
  source,
  status: 'requested',
  cancelRequested: false,
  image: null,
  stack: null,
  processes: null,
  version: null,
  requestedAt: at.time,
  requestedBy: at.by,
  reason: at.reason,
  startedAt: null,
  finishedAt: null,
  durationMs: null,
  explanation: null,
});

const evolveKnown = (
  build: BuildDocument,
  event: Exclude<BuildModelEvent, { type: 'BuildRequested' }>,
  at: Envelope,
): BuildDocument => {
  switch (event.type) {
    case 'BuildCancelRequested':
      return { ...build, cancelRequested: true };
    case 'BuildStarted':
      return { ...build, status: 'running', startedAt: at.time };
    case 'BuildSucceeded': {
      const { image, processes, stack, durationMs } = event.data;
      return {
        ...build,
        status: 'succeeded',
        image,
        processes,
        stack,
        durationMs,
        finishedAt: at.time,
      };
    }
    case 'BuildFailed':
      return {
        ...build,
        status: 'failed',
        explanation: event.data.explanation,
        finishedAt: at.time,
      };
    case 'BuildCancelled':
      return { ...build, status: 'cancelled', finishedAt: at.time };
    case 'ImageRebuilt':
      return { ...build, image: event.data.image, explanation: null };
    case 'ImageLost':
      return { ...build, explanation: event.data.explanation };
    case 'ReleaseCreated':
      // Later releases of the same image (a config change, a rollback) are not this build's.
      return { ...build, version: build.version ?? event.data.version };
  }
};
