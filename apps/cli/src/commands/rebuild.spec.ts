import type { RebuildStatus } from '@shiplog/api-client';
import { afterEach, describe, expect, it } from 'vitest';
import { sendJson, startFakeApi, type FakeApi } from '../testing/fake-api.js';
import { runCli } from '../testing/run-cli.js';

const status = (more: Partial<RebuildStatus> = {}): RebuildStatus => ({
  state: 'running',
  models: ['apps', 'deploys'],
  done: 120_000,
  total: 286_000,
  events: 130_000,
  eventsPerSecond: 24_310,
  secondsLeft: 7,
  startedAt: '2026-11-21T11:59:50.000Z',
  finishedAt: null,
  resumed: false,
  differences: [],
  parked: [],
  problem: null,
  ...more,
});
const done = status({ state: 'done', events: 310_000, finishedAt: '2026-11-21T12:00:02.000Z' });
const difference = { model: 'apps', changed: 1, added: 0, missing: 2, keys: ['a1', 'a2', 'a3'] };

let api: FakeApi;
afterEach(() => api.close());

/** The platform tells one after the other when it is asked, and then the last one again and again. */
const serving = async (...told: readonly RebuildStatus[]): Promise<FakeApi> => {
  const left = [...told];
  return (api = await startFakeApi({
    'POST /v1/rebuild/start': status(),
    'POST /v1/rebuild/cancel': status({ state: 'cancelled' }),
    'GET /v1/rebuild': (response) =>
      sendJson(response, 200, left.length > 1 ? left.shift() : left[0]),
  }));
};
const run = (argv: readonly string[], more: object = {}) =>
  runCli(['rebuild', ...argv], { url: api.url, ...more });

describe('rebuild', () => {
  it('shows how far it is and how long it takes, on one line of a terminal', async () => {
    await serving(status({ state: 'comparing' }), done);
    const { code, stdout, stderr } = await run([], { isTerminal: true });
    expect(code).toBe(0);
    expect(stderr).toContain(
      'rebuilding 41 % · 120,000 of 286,000 commits · 24,310 events/s · 7 s left',
    );
    expect(stderr).toContain('comparing with what is served');
    expect(stdout).toBe('Rebuilt apps, deploys from 310000 events in 12 s.\n');
  });

  it('gives one document with --json', async () => {
    await serving(done);
    const { code, stdout, stderr } = await run(['--json', 'apps', '--force']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({
      rebuilt: ['apps', 'deploys'],
      events: 310_000,
      durationMs: 12_000,
      differences: [],
      parked: [],
    });
    expect(JSON.parse(String(api.received[0]?.body))).toEqual({ name: 'apps', force: true });
  });

  it('waits for nothing with --no-wait', async () => {
    await serving(done);
    const { stdout } = await run(['--no-wait']);
    expect(stdout).toContain('shiplog rebuild --status');
    expect(api.received).toHaveLength(1);
  });

  it('names what is otherwise when the same code made both, and fails', async () => {
    await serving(status({ state: 'refused', differences: [difference] }));
    const { code, stdout, stderr } = await run([]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(
      'apps was served otherwise before: 1 changed, 0 added, 2 missing (a1, a2, a3)',
    );
    expect(stderr).toContain('shiplog rebuild --force');
  });

  it.each([
    [{ state: 'cancelled' } as const, 'the rebuild was cancelled'],
    [{ state: 'failed', problem: 'the disk is full' } as const, 'the disk is full'],
  ])('fails when it ended as %j', async (ended, said) => {
    await serving(status(ended));
    const { code, stderr } = await run([]);
    expect(code).toBe(1);
    expect(stderr).toContain(said);
  });

  it('fails for a model that cannot be made, and says where', async () => {
    const sequence = '00000000000000000042-0000';
    const parked = [
      { model: 'apps', sequence, problem: 'boom', since: '2026-11-21T12:00:00.000Z' },
    ];
    await serving({ ...done, parked });
    const { code, stderr } = await run([]);
    expect(code).toBe(1);
    expect(stderr).toContain(`apps at event ${sequence}: boom`);
  });

  it('goes on without the person who no longer watches', async () => {
    await serving(status());
    const stopping = new AbortController();
    const running = run([], { signal: stopping.signal });
    await expect.poll(() => api.received.length).toBeGreaterThan(2);
    stopping.abort();
    const { stderr } = await running;
    expect(stderr).toContain('shiplog rebuild --cancel');
    expect(api.received.map(({ url }) => url)).not.toContain('/v1/rebuild/cancel');
  });

  it('tells how far it is, and ends it', async () => {
    await serving(status({ resumed: true }));
    expect((await run(['--status'])).stdout).toMatch(/^rebuilding 41 % .*went on after a restart/);
    expect((await run(['--cancel'])).stdout).toContain('cancelled');
    await api.close();
    await serving(status({ state: 'none' }));
    expect((await run(['--status'])).stdout).toContain('No rebuild');
  });

  it.each([
    [['--status', '--cancel'], 'two things'],
    [['apps', '--status'], 'take nothing else'],
  ])('refuses %j', async (argv, said) => {
    await serving(status());
    const { code, stderr } = await run(argv);
    expect(code).toBe(2);
    expect(stderr).toContain(said);
    expect(api.received).toEqual([]);
  });
});
