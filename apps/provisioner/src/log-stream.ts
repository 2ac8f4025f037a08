import { COMMIT_BYTES_MAX } from '@shiplog/events';
import {
  HEALTH_STREAM,
  HINT_SUBJECTS,
  LOG_STREAM,
  LOG_SUBJECTS,
  PROBE_SUBJECTS,
} from '@shiplog/events/jetstream';

export interface LogStreamOptions {
  /** How long the server remembers message ids. Default 2 min; tests shorten it. */
  readonly duplicateWindowMs?: number;
}

/** Headers of a commit, and what the server may add. */
const HEADER_BYTES_MAX = 4_096;

type StreamConfig = Readonly<Record<string, unknown>>;

/** The log stream as nats-server describes it: nothing is ever dropped, deleted or rewritten. */
export const logStreamConfig = (options: LogStreamOptions = {}): StreamConfig => ({
  name: LOG_STREAM,
  subjects: [LOG_SUBJECTS],
  storage: 'file',
  retention: 'limits',
  num_replicas: 1,
  // Every limit off: a limit deletes history, silently.
  max_consumers: -1,
  max_msgs: -1,
  max_bytes: -1,
  max_age: 0,
  max_msgs_per_subject: -1,
  max_msg_size: COMMIT_BYTES_MAX + HEADER_BYTES_MAX,
  discard: 'new',
  deny_delete: true,
  deny_purge: true,
  // `Nats-Rollup` and `Nats-TTL` headers delete history, too.
  allow_rollup_hdrs: false,
  allow_msg_ttl: false,
  allow_direct: true,
  mirror_direct: false,
  duplicate_window: (options.duplicateWindowMs ?? 120_000) * 1_000_000,
  republish: { src: LOG_SUBJECTS, dest: HINT_SUBJECTS, headers_only: true },
});

/**
 * Where processes find out whether the server stores what it is told: on the disk of the log, synced as
 * the log is. It holds the newest probe of each and nothing that is needed.
 */
export const healthStreamConfig: StreamConfig = {
  name: HEALTH_STREAM,
  subjects: [PROBE_SUBJECTS],
  storage: 'file',
  retention: 'limits',
  num_replicas: 1,
  max_msgs_per_subject: 1,
  max_msg_size: 4_096,
  discard: 'old',
};

/**
 * What differs from what must be, one line per setting; empty when nothing does. A setting that this
 * version does not know must be off, or it could change what the stream keeps.
 */
export const differencesOf = (wanted: StreamConfig, actual: StreamConfig): string[] => {
  const names = new Set([...Object.keys(wanted), ...Object.keys(actual)]);
  return [...names].flatMap((name) => {
    const want = wanted[name];
    const have = name === 'metadata' ? withoutServerNotes(actual[name]) : actual[name];
    const isSame = isOff(want) ? isOff(have) : canonical(want) === canonical(have);
    return isSame ? [] : [`${name} is ${canonical(have)}, must be ${canonical(want)}`];
  });
};

/** Keys starting with `_nats.` are the server's own. */
const withoutServerNotes = (metadata: unknown): unknown =>
  Object.fromEntries(
    Object.entries((metadata ?? {}) as Record<string, unknown>).filter(
      ([key]) => !key.startsWith('_nats.'),
    ),
  );

const OFF = new Set(['undefined', 'null', 'false', '0', '""', '{}', '[]', '"none"', '"default"']);

const isOff = (value: unknown): boolean => OFF.has(canonical(value));

const canonical = (value: unknown): string => {
  if (value === undefined) return 'undefined';
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return JSON.stringify(value);
  }
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(Object.fromEntries(entries));
};
