import { checkedStream } from '../log/checked-stream.js';
import type { ProcessName, StreamName } from '../registry.js';

/** The one JetStream stream that is the log. */
export const LOG_STREAM = 'LOG';

/** Everything below it is stored; `hint.>` is where the server announces what it stored. */
export const LOG_SUBJECTS = 'log.>';
export const HINT_SUBJECTS = 'hint.>';

/**
 * Where probes are stored: on the same disk with the same fsync as the log, the newest of each process
 * only. A process may publish below `tel.<itself>.` anyway.
 */
export const HEALTH_STREAM = 'HEALTH';
export const PROBE_SUBJECTS = 'tel.*.probe';
export const probeSubjectOf = (process: ProcessName): string => `tel.${process}.probe`;

/** Carries the SHA-256 of exactly the stored bytes. */
export const HASH_HEADER = 'Shiplog-Commit-Hash';

/** `log.<aggregate>.<id>`. Whatever is not one clean token never becomes part of a subject. */
export const subjectOf = (stream: StreamName): string => `log.${checkedStream(stream)}`;
