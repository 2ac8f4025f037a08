import { Counter, Gauge, type Registry } from 'prom-client';
import type { UnderWay } from '../routes/router.port.js';
import type { AccessCounts } from './access-log.js';
import type { Counted } from './tally.js';
import { BUCKET_SECONDS, type Series, type TrafficBook } from './traffic-book.js';

export interface MetricsSource {
  readonly book: TrafficBook;
  readonly counts: Readonly<AccessCounts>;
  /** Requests that the proxy counted, and of how many of them there is no line. */
  readonly gap: () => Promise<Counted>;
  readonly underWay: () => Promise<UnderWay>;
  /** Leaves out of the book what is gone. */
  readonly forget: () => void;
}

const OF_INSTANCE = ['app', 'instance', 'release'] as const;

const labelsOf = ({ appId, instance, release }: Series) => ({
  app: appId,
  instance: instance ?? '',
  release: release === null ? '' : `v${release}`,
});

/** Figures that are kept elsewhere: each is asked for when somebody looks. */
class Exposition {
  readonly names: string[] = [];

  constructor(readonly registry: Registry) {}

  counter(
    [name, help]: readonly [string, string],
    labelNames: readonly string[],
    collect: (metric: Counter) => void,
  ): void {
    this.names.push(name);
    const metric = new Counter({
      ...{ name, help, labelNames: [...labelNames], registers: [] },
      collect() {
        this.reset();
        collect(this);
      },
    });
    this.registry.registerMetric(metric);
  }

  gauge(
    [name, help]: readonly [string, string],
    labelNames: readonly string[],
    collect: (metric: Gauge) => Promise<void>,
  ): void {
    this.names.push(name);
    const metric = new Gauge({
      ...{ name, help, labelNames: [...labelNames], registers: [] },
      async collect() {
        this.reset();
        await collect(this);
      },
    });
    this.registry.registerMetric(metric);
  }
}

/**
 * What clients of apps felt, by the conventions of Prometheus. Series are those of apps and instances that
 * are there; whatever clients ask for makes no new one. Answers how to take them out again.
 */
export const registerTraffic = (registry: Registry, source: MetricsSource): (() => void) => {
  const all = new Exposition(registry);
  registerOfInstances(all, source);
  registerNow(all, source);
  registerOfRouter(all, source);
  return () => {
    for (const name of all.names) registry.removeSingleMetric(name);
  };
};

const registerOfInstances = (all: Exposition, { book, forget }: MetricsSource): void => {
  all.counter(
    ['shiplog_http_requests_total', 'Requests of clients that ended, by class of status'],
    [...OF_INSTANCE, 'code'],
    (metric) => {
      forget();
      for (const series of book.all()) {
        for (const [code, count] of series.byClass)
          metric.inc({ ...labelsOf(series), code }, count);
      }
    },
  );
  registerHistogram(all, book);
  all.counter(
    ['shiplog_http_received_bytes_total', 'Bytes of requests, heads included'],
    OF_INSTANCE,
    (metric) => {
      for (const series of book.all()) metric.inc(labelsOf(series), series.total.bytesIn);
    },
  );
  all.counter(
    ['shiplog_http_sent_bytes_total', 'Bytes of answers, heads included'],
    OF_INSTANCE,
    (metric) => {
      for (const series of book.all()) metric.inc(labelsOf(series), series.total.bytesOut);
    },
  );
  all.counter(
    ['shiplog_team_http_bytes_total', 'Bytes between clients and all apps of a team'],
    ['team', 'direction'],
    (metric) => {
      for (const [team, bytes] of book.bytesByTeam) {
        metric.inc({ team, direction: 'in' }, bytes.in);
        metric.inc({ team, direction: 'out' }, bytes.out);
      }
    },
  );
};

const registerNow = (all: Exposition, { underWay }: MetricsSource): void => {
  all.gauge(
    ['shiplog_http_requests_in_flight', 'Requests and tunnels under way at an instance'],
    ['instance'],
    async (metric) => {
      const { instances } = await underWay();
      for (const [instance, count] of instances) metric.set({ instance }, count);
    },
  );
  all.gauge(
    ['shiplog_http_requests_queued', 'Requests that wait for a place at an instance of an app'],
    ['app'],
    async (metric) => {
      const { queued } = await underWay();
      for (const [app, count] of queued) metric.set({ app }, count);
    },
  );
};

const COUNTS: readonly (readonly [keyof AccessCounts, string, string])[] = [
  ['lines', 'shiplog_router_access_lines_total', 'Lines of the access log that were read'],
  ['lost', 'shiplog_router_access_lines_lost_total', 'Lines known to be left out: too many came'],
  ['malformed', 'shiplog_router_access_lines_malformed_total', 'Text in the log that was no line'],
  ['unknownHost', 'shiplog_router_unknown_host_requests_total', 'Requests at hosts nobody has'],
];

const registerOfRouter = (all: Exposition, { counts, gap }: MetricsSource): void => {
  for (const [key, name, help] of COUNTS) {
    all.counter([name, help], [], (metric) => metric.inc(counts[key]));
  }
  all.gauge(
    [
      'shiplog_router_access_gap',
      'Requests that the proxy counted and of which no line was read; those being answered among them',
    ],
    [],
    async (metric) => metric.set((await gap()).missing),
  );
};

/** The book has the buckets already; a histogram of prom-client would want every request once more. */
const registerHistogram = ({ registry, names }: Exposition, book: TrafficBook): void => {
  const name = 'shiplog_http_request_duration_seconds';
  names.push(name);
  registry.registerMetric({
    name,
    get: () =>
      Promise.resolve({
        name,
        help: 'From the first byte of a request to the last one of its answer; tunnels are not in it',
        type: 'histogram',
        aggregator: 'sum',
        values: book.all().flatMap((series) => bucketsOf(name, series)),
      }),
    reset: () => undefined,
  } as unknown as Counter);
};

const bucketsOf = (name: string, series: Series) => {
  const labels = labelsOf(series);
  let below = 0;
  const buckets = [...BUCKET_SECONDS, '+Inf'].map((le, i) => {
    below += series.total.buckets[i] ?? 0;
    return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: below };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: series.total.seconds },
    { metricName: `${name}_count`, labels, value: below },
  ];
};
