import { z } from 'zod';

const count = z.number().nonnegative();

/** What a router counted of one instance since it came into its place there; only ever more, until it starts anew. */
const trafficCounters = z.object({
  requests: count,
  /** Answered with a 5xx status, or not at all. */
  errors: count,
  /** Mean response time in whole milliseconds, rounded up, over the newest `LATENCY_WINDOW` requests. */
  meanMs: count,
});
export type TrafficCounters = z.infer<typeof trafficCounters>;

/** Telemetry of a router while it divides an app's requests: `tel.router-sync.traffic`. */
export const trafficReport = z.object({
  routerId: z.string(),
  appId: z.string(),
  instances: z.record(z.string(), trafficCounters),
});
export type TrafficReport = z.infer<typeof trafficReport>;
export const TRAFFIC_TOPIC = 'traffic';

/** Each request makes the sum that the mean is taken of forget this part of what it holds. */
export const LATENCY_WINDOW = 1024;
