// A program of its own: what a change costs among so many instances.   node [flags] planning.mjs <instances> <changes>
// Prints one JSON document. Changes in which the collector ran are told apart: its pauses are not the plan's.
import { PerformanceObserver } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { latencyFigures, median, quantile, round } from './figures.mjs';
import { simulatedFleet } from './simulated-fleet.mjs';

const [instances, changes] = process.argv.slice(2).map(Number);
const collections = [];
const observer = new PerformanceObserver((list) => collections.push(...list.getEntries()));

const timed = async (work) => {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
};

const fleet = await simulatedFleet(instances);
try {
  const firstMs = await timed(() => fleet.look());
  const resyncs = [];
  for (let i = 0; i < 5; i += 1) resyncs.push(await timed(() => fleet.lookAtAllAgain()));
  observer.observe({ entryTypes: ['gc'] });
  const took = [];
  for (let i = 0; i < changes; i += 1) {
    const before = process.cpuUsage();
    const ms = await fleet.change(i * 7);
    const endedAt = performance.now();
    const { user, system } = process.cpuUsage(before);
    took.push({ ms, startedAt: endedAt - ms, endedAt, cpuMs: (user + system) / 1000 });
  }
  // Observed a turn later.
  await delay(20);
  const wasCollecting = ({ startedAt, endedAt }) =>
    collections.some((gc) => gc.startTime < endedAt && gc.startTime + gc.duration > startedAt);
  const cpu = took.map(({ cpuMs }) => cpuMs);
  const all = took.map(({ ms }) => ms);
  const quiet = took.filter((change) => !wasCollecting(change)).map(({ ms }) => ms);
  console.log(
    JSON.stringify({
      instances,
      change: { ...latencyFigures(all), p95Ms: round(quantile(all, 0.95)) },
      withoutCollector: { ...latencyFigures(quiet), p95Ms: round(quantile(quiet, 0.95)) },
      collectorMs: round(Math.max(0, ...collections.map(({ duration }) => duration))),
      /** With the command, the append and the fold of each change; others on the machine do not count in it. */
      cpu: { p50Ms: round(quantile(cpu, 0.5)), p95Ms: round(quantile(cpu, 0.95)) },
      firstLookMs: round(firstMs),
      resyncMs: round(median(resyncs)),
    }),
  );
} finally {
  await fleet.end();
}
