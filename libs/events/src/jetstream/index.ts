export * from './jetstream-event-log.js';
export {
  HEALTH_STREAM,
  HINT_SUBJECTS,
  LOG_STREAM,
  LOG_SUBJECTS,
  PROBE_SUBJECTS,
  probeSubjectOf,
} from './subjects.js';
