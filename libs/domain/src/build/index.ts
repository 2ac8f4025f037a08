import type { BuildEvent, Explanation, Image, ProcessSpec } from '@shiplog/events';
import { accept, reject, type Decider } from '../decider.js';

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

interface Known {
  readonly buildId: string;
  readonly appId: string;
}
export type BuildState =
  | { readonly status: 'none' }
  | (Known & { readonly status: 'running' })
  | (Known & {
      readonly status: 'succeeded';
      /** Where to find the image today: rebuilt images may have another id than at first. */
      readonly image: Image;
      readonly processes: Readonly<Record<string, ProcessSpec>>;
      readonly lost: Explanation | null;
    })
  | (Known & { readonly status: 'failed'; readonly explanation: Explanation })
  | (Known & { readonly status: 'cancelled' });
export type BuildRejection = { code: 'build-not-running'; status: BuildState['status'] };

export const build: Decider<BuildState, BuildCommand, BuildEvent, BuildRejection> = {
  initialState: { status: 'none' },
  decide: (command, state) => {
    if (command.type === 'StartBuild') {
      // A builder that died takes the build up again: it was started before, and that stays true.
      if (state.status === 'running') return accept();
      if (state.status !== 'none')
        return reject({ code: 'build-not-running', status: state.status });
      const { buildId, appId, sourceDigest } = command;
      return accept({ type: 'BuildStarted', v: 1, data: { buildId, appId, sourceDigest } });
    }
    if (state.status === 'none') return reject({ code: 'build-not-running', status: state.status });
    const { buildId, appId } = state;
    switch (command.type) {
      case 'RecordRebuiltImage':
        if (state.status !== 'succeeded') break;
        if (state.image.id === command.image.id && state.lost === null) return accept();
        return accept({
          type: 'ImageRebuilt',
          v: 1,
          data: { buildId, appId, image: command.image },
        });
      case 'RecordLostImage':
        if (state.status !== 'succeeded') break;
        if (state.lost !== null) return accept();
        return accept({
          type: 'ImageLost',
          v: 1,
          data: { buildId, appId, explanation: command.explanation },
        });
      case 'SucceedBuild': {
        if (state.status !== 'running') break;
        const { image, processes, stack, durationMs } = command;
        return accept({
          type: 'BuildSucceeded',
          v: 1,
          data: { buildId, appId, image, processes: { ...processes }, stack, durationMs },
        });
      }
      case 'FailBuild':
        if (state.status !== 'running') break;
        return accept({
          type: 'BuildFailed',
          v: 1,
          data: { buildId, appId, explanation: command.explanation },
        });
      case 'CancelBuild':
        if (state.status === 'cancelled') return accept();
        if (state.status !== 'running') break;
        return accept({ type: 'BuildCancelled', v: 1, data: { buildId, appId } });
    }
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
