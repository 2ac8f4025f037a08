import type { AccessLine, AppTraffic } from '@shiplog/domain';

/** Upper ends of the buckets of the latency histogram, in seconds: those that Prometheus has by default. */
export const BUCKET_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;
/** What is told of now is told of so many seconds. */
export const WINDOW_SECONDS = 60;

type Request = Pick<
  AccessLine,
  'appId' | 'instance' | 'release' | 'status' | 'durationMs' | 'bytesIn' | 'bytesOut'
>;

/** Sums of requests: since the beginning, or of one second. */
export interface Sums {
  requests: number;
  errors: number;
  seconds: number;
  bytesIn: number;
  bytesOut: number;
  /** Not added up; the last one is of what took longer than all. */
  readonly buckets: number[];
}

export interface Series {
  readonly appId: string;
  /** Null: they reached none. */
  readonly instance: string | null;
  readonly release: number | null;
  readonly total: Sums;
  /** `2xx` → how many. */
  readonly byClass: Map<string, number>;
  /** Second of the clock modulo the window → its sums. */
  readonly recent: Map<number, { second: number; sums: Sums }>;
}

const noSums = (): Sums => ({
  requests: 0,
  errors: 0,
  seconds: 0,
  bytesIn: 0,
  bytesOut: 0,
  buckets: Array.from({ length: BUCKET_SECONDS.length + 1 }, () => 0),
});

/** Adds requests up, by app and instance. As large as there are instances, whatever clients ask for. */
export class TrafficBook {
  private readonly byKey = new Map<string, Series>();
  private readonly teams = new Map<string, { in: number; out: number }>();

  /** `teamId`: of the app, where it is still there. */
  add(request: Request, teamId: string | undefined, nowMs: number): void {
    const series = this.seriesOf(request);
    const name = classOf(request.status);
    series.byClass.set(name, (series.byClass.get(name) ?? 0) + 1);
    count(series.total, request);
    const second = Math.floor(nowMs / 1000);
    const slot = second % WINDOW_SECONDS;
    let recent = series.recent.get(slot);
    if (recent?.second !== second) {
      recent = { second, sums: noSums() };
      series.recent.set(slot, recent);
    }
    count(recent.sums, request);
    if (teamId === undefined) return;
    const bytes = this.teams.get(teamId) ?? { in: 0, out: 0 };
    bytes.in += request.bytesIn;
    bytes.out += request.bytesOut;
    this.teams.set(teamId, bytes);
  }

  all(): readonly Series[] {
    return [...this.byKey.values()];
  }

  /** By team, of all apps that it ever had. */
  get bytesByTeam(): ReadonlyMap<string, { readonly in: number; readonly out: number }> {
    return this.teams;
  }

  /** Apps and instances that are gone leave nothing behind. */
  forget(isThere: (appId: string, instance: string | null) => boolean): void {
    for (const [key, { appId, instance }] of this.byKey) {
      if (!isThere(appId, instance)) this.byKey.delete(key);
    }
  }

  /** Of one app, over the window that ends now. */
  trafficOf(
    appId: string,
    nowMs: number,
    live: { readonly inFlight: ReadonlyMap<string, number>; readonly queued: number },
  ): AppTraffic {
    const own = this.all().filter((series) => series.appId === appId);
    const recent = own.map((series) => ({ series, sums: recentOf(series, nowMs) }));
    const known = new Set(own.map(({ instance }) => instance));
    const idle = [...live.inFlight.keys()].filter((id) => !known.has(id));
    return {
      windowSeconds: WINDOW_SECONDS,
      app: figuresOf(recent.map(({ sums }) => sums)),
      instances: [
        ...recent
          .filter(({ series, sums }) => series.instance !== null || sums.requests > 0)
          .map(({ series: { instance, release }, sums }) => ({
            instance,
            release,
            ...figuresOf([sums]),
            inFlight: instance === null ? null : (live.inFlight.get(instance) ?? null),
          })),
        ...idle.map((instance) => ({
          instance,
          release: null,
          ...figuresOf([]),
          inFlight: live.inFlight.get(instance) ?? null,
        })),
      ],
      queued: live.queued,
    };
  }

  private seriesOf({ appId, instance, release }: Request): Series {
    const key = `${appId} ${instance ?? ''}`;
    const known = this.byKey.get(key);
    if (known !== undefined) return known;
    const series = {
      ...{ appId, instance, release },
      total: noSums(),
      byClass: new Map<string, number>(),
      recent: new Map<number, { second: number; sums: Sums }>(),
    };
    this.byKey.set(key, series);
    return series;
  }
}

const classOf = (status: number): string =>
  status >= 100 && status < 600 ? `${Math.floor(status / 100)}xx` : 'none';

const count = (sums: Sums, { status, durationMs, bytesIn, bytesOut }: Request): void => {
  const seconds = durationMs / 1000;
  sums.requests += 1;
  // Without an answer: the client left, or nobody answered.
  if (status >= 500) sums.errors += 1;
  sums.bytesIn += bytesIn;
  sums.bytesOut += bytesOut;
  // A tunnel lasts as long as its client wants.
  if (status === 101) return;
  sums.seconds += seconds;
  const found = BUCKET_SECONDS.findIndex((end) => seconds <= end);
  const bucket = found === -1 ? BUCKET_SECONDS.length : found;
  sums.buckets[bucket] = (sums.buckets[bucket] ?? 0) + 1;
};

const recentOf = ({ recent }: Series, nowMs: number): Sums => {
  const now = Math.floor(nowMs / 1000);
  const seconds = [...recent.values()].filter(({ second }) => now - second < WINDOW_SECONDS);
  return sumOf(seconds.map(({ sums }) => sums));
};

const sumOf = (all: readonly Sums[]): Sums => {
  const sum = noSums();
  for (const one of all) {
    sum.requests += one.requests;
    sum.errors += one.errors;
    sum.seconds += one.seconds;
    sum.bytesIn += one.bytesIn;
    sum.bytesOut += one.bytesOut;
    one.buckets.forEach((n, i) => (sum.buckets[i] = (sum.buckets[i] ?? 0) + n));
  }
  return sum;
};

const figuresOf = (all: readonly Sums[]): AppTraffic['app'] => {
  const { requests, errors, bytesIn, bytesOut, buckets } = sumOf(all);
  const quantile = (q: number): number | null => quantileMs(buckets, q);
  return {
    requestsPerSecond: requests / WINDOW_SECONDS,
    errorPercent: requests === 0 ? null : (100 * errors) / requests,
    p50Ms: quantile(0.5),
    p95Ms: quantile(0.95),
    p99Ms: quantile(0.99),
    bytesInPerSecond: bytesIn / WINDOW_SECONDS,
    bytesOutPerSecond: bytesOut / WINDOW_SECONDS,
  };
};

/** As `histogram_quantile` of Prometheus has it: even within a bucket, and its end for what is above all. */
export const quantileMs = (buckets: readonly number[], q: number): number | null => {
  const total = buckets.reduce((sum, n) => sum + n, 0);
  if (total === 0) return null;
  const wanted = q * total;
  let below = 0;
  for (const [i, end] of BUCKET_SECONDS.entries()) {
    const within = buckets[i] ?? 0;
    if (below + within >= wanted && within > 0) {
      const start = i === 0 ? 0 : (BUCKET_SECONDS[i - 1] ?? 0);
      return 1000 * (start + (end - start) * ((wanted - below) / within));
    }
    below += within;
  }
  return 1000 * (BUCKET_SECONDS.at(-1) ?? 0);
};
