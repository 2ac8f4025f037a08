import { ID_PATTERN } from '../ids.js';
import { AGGREGATES, aggregateOf, idOf, type StreamName } from '../registry.js';
import { CommitRefusedError } from '../log/errors.js';

/** The one JetStream stream that is the log. */
export const LOG_STREAM = 'LOG';

/** Everything below it is stored; `hint.>` is where the server announces what it stored. */
export const LOG_SUBJECTS = 'log.>';
export const HINT_SUBJECTS = 'hint.>';

/** Carries the SHA-256 of exactly the stored bytes. */
export const HASH_HEADER = 'Shiplog-Commit-Hash';

/** `log.<aggregate>.<id>`. Whatever is not one clean token never becomes part of a subject. */
export const subjectOf = (stream: StreamName): string => {
  if (!AGGREGATES.includes(aggregateOf(stream)) || !ID_PATTERN.test(idOf(stream))) {
    throw new CommitRefusedError(`${JSON.stringify(stream)} is not the name of a stream`);
  }
  return `log.${stream}`;
};
