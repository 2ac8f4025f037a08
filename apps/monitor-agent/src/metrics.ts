import { Counter, Gauge, type Registry } from 'prom-client';
import type { Sample } from './cgroups/sample.js';
import type { WatchedContainer } from './watched-containers.js';

/** One container with its newest sample. */
export interface Reading {
  readonly container: WatchedContainer;
  readonly sample: Sample;
}

const LABELS = ['id', 'name', 'app', 'process', 'instance', 'release'] as const;

const COUNTERS: readonly (readonly [string, string, (sample: Sample) => number])[] = [
  ['container_cpu_usage_seconds_total', 'CPU time used, in seconds', (s) => s.cpuSeconds],
  [
    'container_cpu_cfs_throttled_seconds_total',
    'Time for which the CPU limit held it back, in seconds',
    (s) => s.cpuThrottledSeconds,
  ],
  ['container_oom_events_total', 'Processes killed for lack of memory', (s) => s.oomKills],
  ['container_network_receive_bytes_total', 'Bytes received', (s) => s.receivedBytes],
  ['container_network_transmit_bytes_total', 'Bytes sent', (s) => s.sentBytes],
];

const GAUGES: readonly (readonly [string, string, (sample: Sample) => number | null])[] = [
  ['container_memory_usage_bytes', 'Memory in use, page cache included', (s) => s.memoryBytes],
  [
    'container_memory_working_set_bytes',
    'Memory in use without inactive page cache',
    (s) => s.workingSetBytes,
  ],
  ['container_memory_rss', 'Anonymous memory, in bytes', (s) => s.rssBytes],
  ['container_memory_cache', 'Page cache, in bytes', (s) => s.cacheBytes],
  ['container_spec_memory_limit_bytes', 'Memory limit', (s) => s.memoryLimitBytes],
  ['container_processes', 'Processes and threads', (s) => s.pids],
  ['container_last_seen', 'Time of the sample, in seconds since the epoch', (s) => s.atMs / 1000],
];

/** Registers cAdvisor's names, so that existing dashboards work. Values are those of the last look. */
export const registerMetrics = (registry: Registry, readings: () => readonly Reading[]): void => {
  for (const [name, help, value] of COUNTERS) {
    registry.registerMetric(
      new Counter({
        name,
        help,
        labelNames: LABELS,
        registers: [],
        collect() {
          // The kernel counts; we repeat its count. A container that is gone leaves no series behind.
          this.reset();
          for (const reading of readings()) this.inc(labelsOf(reading), value(reading.sample));
        },
      }),
    );
  }
  for (const [name, help, value] of GAUGES) {
    registry.registerMetric(
      new Gauge({
        name,
        help,
        labelNames: LABELS,
        registers: [],
        collect() {
          this.reset();
          for (const reading of readings()) {
            const now = value(reading.sample);
            if (now !== null) this.set(labelsOf(reading), now);
          }
        },
      }),
    );
  }
};

export const METRIC_NAMES: readonly string[] = [...COUNTERS, ...GAUGES].map(([name]) => name);

const labelsOf = ({ container }: Reading): Record<(typeof LABELS)[number], string> => ({
  id: container.containerId,
  name: container.name,
  app: container.appId,
  process: container.process,
  instance: container.instanceId,
  release: container.release,
});
