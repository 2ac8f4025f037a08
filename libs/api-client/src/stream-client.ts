import { pathSegment, type Connection } from './connection.js';
import type {
  BackupLine,
  CloudEvent,
  LogLine,
  OutputLine,
  ProgressLine,
  VerificationLine,
} from './resources.js';
import { serverSentEvents } from './server-sent-events.js';
import { ndjson, responseLines } from './stream.js';

export interface LogFilter {
  readonly follow: boolean;
  readonly tail?: number;
  readonly process?: string;
  readonly instance?: string;
  readonly type?: string;
}

/** What is followed until it is live or has failed; exactly one. */
export type Followed =
  { readonly build: string } | { readonly deploy: string } | { readonly settled: string };

/** Operations whose answer has no end, or a late one. A broken connection is `ConnectionLostError`. */
export const streams = (connection: Connection) => ({
  buildOutput: (app: string, build: string, query: { follow: boolean; after?: number }) =>
    ndjson<OutputLine>(
      connection.stream(`/v1/apps/${pathSegment(app)}/builds/${pathSegment(build)}/output`, query),
    ),
  progress: (app: string, followed: Followed) =>
    ndjson<ProgressLine>(
      connection.stream(`/v1/apps/${pathSegment(app)}/progress`, { ...followed }),
    ),
  backupProgress: (job: string) =>
    ndjson<BackupLine>(connection.stream(`/v1/backups/jobs/${pathSegment(job)}/progress`, {})),
  logs: (app: string, filter: LogFilter) =>
    ndjson<LogLine>(connection.stream(`/v1/apps/${pathSegment(app)}/logs`, { ...filter })),
  verifyLog: (query: { readonly key?: string }) =>
    ndjson<VerificationLine>(connection.stream('/v1/audit/verification', query)),
  /** The lines of an exported log, as they are. */
  exportLog: () => responseLines(connection.stream('/v1/log/export', {})),
  /**
   * Events as they happen, after the given sequence or from now on. `onPlace` hears which sequence that
   * is: a stream that is lost before its first event is opened again from there.
   */
  async *followEvents(
    filter: { app?: string; type?: string; after?: string },
    onPlace: (sequence: string) => void,
  ) {
    const request = connection.stream('/v1/events/stream', { ...filter });
    for await (const { data } of serverSentEvents(responseLines(request), onPlace)) {
      yield JSON.parse(data) as CloudEvent;
    }
  },
});
