export * from './jetstream-event-log.js';
export {
  HASH_HEADER,
  HEALTH_STREAM,
  HINT_SUBJECTS,
  LOG_STREAM,
  LOG_SUBJECTS,
  PROBE_SUBJECTS,
  probeSubjectOf,
  subjectOf,
} from './subjects.js';
