import { z } from 'zod';

const count = z.number().nonnegative();

/** One request of an app's client, as the router saw it end. Telemetry: `tel.router-sync.access.<app id>`. */
export const accessLine = z.object({
  /** When it began, ISO 8601. */
  time: z.string(),
  appId: z.string(),
  /** The last one that it was sent to; null: it reached none. */
  instance: z.string().nullable(),
  release: z.number().nullable(),
  /** `X-Request-Id` of the request as the app got it. */
  requestId: z.string().nullable(),
  method: z.string(),
  host: z.string(),
  /** Without the query string: secrets lie there. At most about 1,000 characters. */
  path: z.string(),
  status: z.number(),
  /** With heads. */
  bytesIn: count,
  bytesOut: count,
  /** From its first byte to the last one of the answer; a tunnel lasts until it ends. */
  durationMs: count,
  /** Of which it waited for a place at an instance. */
  queueMs: count,
  /** Connections tried again. */
  retries: count,
  /** How it ended, as HAProxy says it: `--` as it should, `C…` the client left, `S…` the instance failed, … */
  termination: z.string(),
});
export type AccessLine = z.infer<typeof accessLine>;

/** Topic of an app's access lines, an array of them a message. */
export const accessTopic = (appId: string): string => `access.${appId}`;

const figures = {
  /** Per second, over the window. */
  requestsPerSecond: count,
  /** Answers of 5xx, in percent of all; null: there were none. */
  errorPercent: count.nullable(),
  /** Milliseconds, within a bucket of the histogram estimated by its ends; null: no request. */
  p50Ms: count.nullable(),
  p95Ms: count.nullable(),
  p99Ms: count.nullable(),
  bytesInPerSecond: count,
  bytesOutPerSecond: count,
};

/** What the requests of an app were like just now; `rpc.router-sync.traffic`. */
export const appTraffic = z.object({
  windowSeconds: z.number(),
  app: z.object(figures),
  instances: z.array(
    z.object({
      /** Null: requests that reached none. */
      instance: z.string().nullable(),
      release: z.number().nullable(),
      ...figures,
      /** Requests under way; null where the router has no place for it. */
      inFlight: count.nullable(),
    }),
  ),
  /** Requests that wait for a place at an instance. */
  queued: count,
});
export type AppTraffic = z.infer<typeof appTraffic>;
