import type { BuildEvent, Explanation, Image, ProcessSpec } from '@shiplog/events';
import { accept, reject, type Decider, type Decision } from '../decider.js';

export type BuildCommand =
  | { type: 'StartBuild'; buildId: string; appId: string; sourceDigest: string | null }
  | {
      type: 'SucceedBuild';
      image: Image;
      processes: Readonly<Record<string, ProcessSpec>>;
      stack: 'dockerfile' | 'node' | 'image';
      durationMs: number;
    }
  | { type: 'FailBuild'; explanation: Explanation }
  | { type: 'CancelBuild' }
  | { type: 'RecordRebuiltImage'; image: Image }
  | { type: 'RecordLostImage'; explanation: Explanation };

export interface KnownBuild {
  readonly buildId: string;
  readonly appId: string;
}
export type BuildState =
  | { readonly status: 'none' }
  | (KnownBuild & { readonly status: 'running' })
  | (KnownBuild & {
      readonly status: 'succeeded';
      /** Where to find the image today: rebuilt images may have another id than at first. */
      readonly image: Image;
      readonly processes: Readonly<Record<string, ProcessSpec>>;
      readonly lost: Explanation | null;
    })
  | (KnownBuild & { readonly status: 'failed'; readonly explanation: Explanation })
  | (KnownBuild & { readonly status: 'cancelled' });
export type BuildRejection = { code: 'build-not-running'; status: BuildState['status'] };

export const build: Decider<BuildState, BuildCommand, BuildEvent, BuildRejection> = {
  initialState: { status: 'none' },
  decide: (command, state) => {
    if (command.type === 'StartBuild') return startBuild(command, state);
    if (state.status === 'running') return decideRunning(command, state);
    if (state.status === 'succeeded') return decideSucceeded(command, state);
    if (state.status === 'cancelled' && command.type === 'CancelBuild') return accept();
    return reject({ code: 'build-not-running', status: state.status });
  },
  evolve: (state, event) => {
    const { buildId, appId } = event.data;
    switch (event.type) {
      case 'BuildStarted':
        return { status: 'running', buildId, appId };
      case 'BuildSucceeded': {
        const { image, processes } = event.data;
        return { status: 'succeeded', buildId, appId, image, processes, lost: null };
      }
      case 'BuildFailed':
        return { status: 'failed', buildId, appId, explanation: event.data.explanation };
      case 'BuildCancelled':
        return { status: 'cancelled', buildId, appId };
      case 'ImageRebuilt':
        return state.status === 'succeeded'
          ? { ...state, image: event.data.image, lost: null }
          : state;
      case 'ImageLost':
        return state.status === 'succeeded' ? { ...state, lost: event.data.explanation } : state;
    }
  },
};

type BuildDecision = Decision<BuildEvent, BuildRejection>;
type CommandOf<T extends BuildCommand['type']> = Extract<BuildCommand, { type: T }>;
type StateOf<S extends BuildState['status']> = Extract<BuildState, { status: S }>;

const startBuild = (command: CommandOf<'StartBuild'>, state: BuildState): BuildDecision => {
  // A builder that died takes the build up again: it was started before, and that stays true.
  if (state.status === 'running') return accept();
  if (state.status !== 'none') return reject({ code: 'build-not-running', status: state.status });
  const { buildId, appId, sourceDigest } = command;
  return accept({ type: 'BuildStarted', v: 1, data: { buildId, appId, sourceDigest } });
};

const decideRunning = (
  command: Exclude<BuildCommand, { type: 'StartBuild' }>,
  { buildId, appId }: StateOf<'running'>,
): BuildDecision => {
  const ids = { buildId, appId };
  switch (command.type) {
    case 'SucceedBuild': {
      const { image, processes, stack, durationMs } = command;
      const data = { ...ids, image, processes: { ...processes }, stack, durationMs };
      return accept({ type: 'BuildSucceeded', v: 1, data });
    }
    case 'FailBuild':
      return accept({
        type: 'BuildFailed',
        v: 1,
        data: { ...ids, explanation: command.explanation },
      });
    case 'CancelBuild':
      return accept({ type: 'BuildCancelled', v: 1, data: ids });
    case 'RecordRebuiltImage':
    case 'RecordLostImage':
      return reject({ code: 'build-not-running', status: 'running' });
  }
};

const decideSucceeded = (
  command: Exclude<BuildCommand, { type: 'StartBuild' }>,
  { buildId, appId, image, lost }: StateOf<'succeeded'>,
): BuildDecision => {
  const ids = { buildId, appId };
  switch (command.type) {
    case 'RecordRebuiltImage':
      if (image.id === command.image.id && lost === null) return accept();
      return accept({ type: 'ImageRebuilt', v: 1, data: { ...ids, image: command.image } });
    case 'RecordLostImage':
      if (lost !== null) return accept();
      return accept({
        type: 'ImageLost',
        v: 1,
        data: { ...ids, explanation: command.explanation },
      });
    case 'SucceedBuild':
    case 'FailBuild':
    case 'CancelBuild':
      return reject({ code: 'build-not-running', status: 'succeeded' });
  }
};
