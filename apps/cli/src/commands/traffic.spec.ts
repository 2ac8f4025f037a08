import { afterEach, describe, expect, it } from 'vitest';
import { startFakeApi, type FakeApi, type Routes } from '../testing/fake-api.js';
import { runCli } from '../testing/run-cli.js';

let api: FakeApi | undefined;
afterEach(async () => {
  await api?.close();
  api = undefined;
});
const run = async (routes: Routes, ...argv: string[]) => {
  api = await startFakeApi(routes);
  return runCli(argv, { url: api.url });
};

const figures = {
  ...{ requestsPerSecond: 12.5, errorPercent: 2, p50Ms: 4.25, p95Ms: 80, p99Ms: null },
  ...{ bytesInPerSecond: 0, bytesOutPerSecond: 2048 },
};
const traffic = {
  windowSeconds: 60,
  app: figures,
  instances: [
    { instance: 'i-1', release: 3, ...figures, inFlight: 4 },
    { instance: null, release: null, ...figures, inFlight: null },
  ],
  queued: 2,
};

describe('shiplog traffic', () => {
  const routes = { 'GET /v1/apps/shop/traffic': traffic };

  it('is a table by instance, and of all', async () => {
    const { code, stdout } = await run(routes, 'traffic', '-a', 'shop');
    expect(code).toBe(0);
    expect(stdout).toMatch(/i-1 +v3 +12\.5 +2\.0 % +4\.3 ms +80 ms +4 /);
    expect(stdout).toMatch(/\(none\)/);
    expect(stdout).toMatch(/all +12\.5/);
    expect(stdout).toContain('2 requests wait for a place at an instance.');
  });

  it('is what the API says as JSON', async () => {
    const { stdout } = await run(routes, 'traffic', '-a', 'shop', '--json');
    expect(JSON.parse(stdout)).toEqual(traffic);
  });
});
