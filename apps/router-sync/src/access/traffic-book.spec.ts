import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { registerTraffic } from './metrics.js';
import { quantileMs, TrafficBook, WINDOW_SECONDS } from './traffic-book.js';

const request = (changes: object = {}) => ({
  ...{ appId: 'a1', instance: 'i1' as string | null, release: 3, status: 200 },
  ...{ durationMs: 20, bytesIn: 100, bytesOut: 1000 },
  ...changes,
});
const NOBODY = { inFlight: new Map<string, number>(), queued: 0 };

describe('the book of traffic', () => {
  it('tells of the last minute, by instance and of the app', () => {
    const book = new TrafficBook();
    const now = 1_000_000_000_000;
    for (let i = 0; i < 120; i += 1) book.add(request(), 't1', now - i * 490);
    for (let i = 0; i < 60; i += 1)
      book.add(request({ instance: 'i2', status: 502, durationMs: 700 }), 't1', now);
    book.add(request({ appId: 'a2' }), 't1', now);
    const live = {
      inFlight: new Map([
        ['i1', 2],
        ['i3', 0],
      ]),
      queued: 4,
    };
    const { app, instances, queued } = book.trafficOf('a1', now, live);
    expect(app).toMatchObject({ requestsPerSecond: 3, errorPercent: 100 / 3 });
    expect(
      instances.map(({ instance, requestsPerSecond, errorPercent, inFlight }) => [
        instance,
        requestsPerSecond,
        errorPercent,
        inFlight,
      ]),
    ).toEqual([
      ['i1', 2, 0, 2],
      ['i2', 1, 100, null],
      ['i3', 0, null, 0],
    ]);
    expect(instances[1]?.p50Ms).toBeCloseTo(750, 0);
    expect(queued).toBe(4);
    const later = book.trafficOf('a1', now + WINDOW_SECONDS * 1000, NOBODY);
    expect(later.app).toMatchObject({ requestsPerSecond: 0, errorPercent: null, p99Ms: null });
  });

  it('estimates quantiles as Prometheus does', () => {
    expect(quantileMs([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 0.5)).toBeNull();
    expect(quantileMs([0, 100], 0.5)).toBeCloseTo(7.5);
    expect(quantileMs([50, 50], 0.99)).toBeCloseTo(9.9);
    expect(quantileMs([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9], 0.5)).toBe(10_000);
  });

  it('is as large as there are instances, and forgets those that are gone', () => {
    const book = new TrafficBook();
    for (let i = 0; i < 1000; i += 1)
      book.add(request({ instance: `i${i % 5}`, path: `/${i}` }), 't1', i);
    book.add(request({ instance: null, status: 503 }), 't1', 0);
    expect(book.all()).toHaveLength(6);
    book.forget((appId, instance) => appId === 'a1' && instance !== 'i4');
    expect(book.all().map(({ instance }) => instance)).toEqual(['i0', 'i1', 'i2', 'i3', null]);
    book.forget(() => false);
    expect(book.all()).toEqual([]);
    expect(book.bytesByTeam.get('t1')).toEqual({ in: 100_100, out: 1_001_000 });
  });
});

describe('the metrics', () => {
  it('have names and buckets by the conventions of Prometheus, and go away', async () => {
    const book = new TrafficBook();
    book.add(request({ durationMs: 4 }), 't1', 0);
    book.add(request({ durationMs: 40, status: 404 }), 't1', 0);
    book.add(request({ durationMs: 60_000, status: 101 }), 't1', 0);
    book.add(request({ instance: null, release: null, status: 503, durationMs: 1 }), 't1', 0);
    const registry = new Registry();
    const unregister = registerTraffic(registry, {
      book,
      counts: { lines: 4, unknownHost: 1, lost: 2, malformed: 0 },
      gap: () => Promise.resolve({ answered: 7, missing: 3 }),
      underWay: () => Promise.resolve({ instances: new Map([['i1', 2]]), queued: new Map() }),
      forget: () => undefined,
    });
    const text = await registry.metrics();
    for (const line of [
      '# TYPE shiplog_http_requests_total counter',
      'shiplog_http_requests_total{app="a1",instance="i1",release="v3",code="4xx"} 1',
      'shiplog_http_requests_total{app="a1",instance="",release="",code="5xx"} 1',
      '# TYPE shiplog_http_request_duration_seconds histogram',
      'shiplog_http_request_duration_seconds_bucket{app="a1",instance="i1",release="v3",le="0.005"} 1',
      'shiplog_http_request_duration_seconds_bucket{app="a1",instance="i1",release="v3",le="0.05"} 2',
      'shiplog_http_request_duration_seconds_bucket{app="a1",instance="i1",release="v3",le="+Inf"} 2',
      'shiplog_http_request_duration_seconds_count{app="a1",instance="i1",release="v3"} 2',
      'shiplog_http_request_duration_seconds_sum{app="a1",instance="i1",release="v3"} 0.044',
      'shiplog_team_http_bytes_total{team="t1",direction="out"} 4000',
      'shiplog_http_requests_in_flight{instance="i1"} 2',
      'shiplog_router_access_lines_lost_total 2',
      'shiplog_router_access_gap 3',
    ]) {
      expect(text.split('\n')).toContain(line);
    }
    unregister();
    expect(await registry.metrics()).toBe('\n');
  });
});
