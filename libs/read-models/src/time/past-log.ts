import type { EventLog } from '@shiplog/events/log';

/** The log as a look into the past has it: it can be read, and nothing can be appended. */
export type PastLog = Pick<
  EventLog,
  'readAfter' | 'head' | 'compare' | 'commitsBetween' | 'isDense'
>;
