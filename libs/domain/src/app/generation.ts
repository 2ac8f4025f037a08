import type { AppEvent } from '@shiplog/events';
import type { ActiveApp, Release } from './state.js';

/** The release that goes on: the named one, or the newest where none is named. */
export const releaseOf = (state: ActiveApp, version: number | null): Release | undefined =>
  state.releases.find((release) => release.version === version) ?? state.releases.at(-1);

/** The same release as a new generation, so that all its instances are replaced. */
export const restarted = (state: ActiveApp, version: number): AppEvent => ({
  type: 'AppRestarted',
  v: 1,
  data: { appId: state.appId, generation: state.generation + 1, version },
});
