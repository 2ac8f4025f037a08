export { followProgress, type ProgressTarget } from './follow-progress.js';
export type { ProgressSources } from './follower.js';
export type { ProgressEvent } from './progress-event.js';
