export * from './jetstream-event-log.js';
export { HINT_SUBJECTS, LOG_STREAM, LOG_SUBJECTS } from './subjects.js';
