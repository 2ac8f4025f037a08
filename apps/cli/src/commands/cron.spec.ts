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
  return runCli([...argv, '-a', 'shop'], { url: api.url });
};
const bodies = () => api?.received.map(({ body }) => JSON.parse(body.toString()) as unknown);

const ended = {
  ...{ id: 'clean-1', kind: 'cron', state: 'failed', release: 3, command: ['clean'], job: 'clean' },
  ...{ deployId: null, scheduledFor: '2026-11-21T10:00:00.000Z', missed: 2, detached: true },
  ...{ createdAt: '2026-11-21T10:00:00.000Z', startedAt: '2026-11-21T10:00:01.000Z' },
  ...{ stoppingAt: null, endedAt: '2026-11-21T10:00:05.000Z', exitCode: 3, oomKilled: false },
  ...{ cause: null, detail: null, lastLines: ['no space\u001b[2J left'] },
};
const job = {
  ...{
    job: 'clean',
    schedule: '30 3 * * *',
    timeZone: 'UTC',
    command: ['clean'],
    overlap: 'forbid',
  },
  ...{ missed: 'skip', timeoutSeconds: null, since: '', nextAt: null, lastRun: ended },
};

describe('shiplog cron', () => {
  it('sets a job as it is typed, and nothing that is not', async () => {
    api = await startFakeApi({
      'PUT /v1/apps/shop/cron/clean': { sequence: '1', job: 'clean', nextAt: null },
    });
    const url = { url: api.url };
    const plain = ['cron', 'set', 'clean', '30 3 * * *', '-a', 'shop', '--', 'node', 'x.js', '-v'];
    expect(await runCli(plain, url)).toMatchObject({ code: 0 });
    const all = [
      '--time-zone',
      'Europe/Berlin',
      '--overlap',
      'replace',
      '--missed',
      'once',
      '--timeout',
      '5m',
    ];
    await runCli(['cron', 'set', 'clean', '@daily', '-a', 'shop', ...all, '--', 'x'], url);
    expect(bodies()).toMatchObject([
      { schedule: '30 3 * * *', command: ['node', 'x.js', '-v'] },
      { timeZone: 'Europe/Berlin', overlap: 'replace', missed: 'once', timeoutSeconds: 300 },
    ]);
    const wrong = await runCli(
      ['cron', 'set', 'clean', '@daily', '--overlap', 'x', '-a', 'shop', '--', 'y'],
      url,
    );
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain('allow, forbid, replace');
  });

  it('lists jobs with how the last run ended', async () => {
    const { stdout } = await run({ 'GET /v1/apps/shop/cron': [job] }, 'cron', 'list');
    expect(stdout).toContain('30 3 * * *');
    expect(stdout).toContain('failed, exit code 3');
  });

  it('tells the history of a job', async () => {
    const { stdout } = await run({ 'GET /v1/apps/shop/runs': [ended] }, 'cron', 'history', 'clean');
    expect(api?.received[0]?.url).toContain('job=clean');
    expect(stdout).toContain('exit code 3');
    expect(stdout).toContain('4 s');
  });
});

describe('shiplog runs', () => {
  it('shows one with its last lines, harmless', async () => {
    const routes = { 'GET /v1/apps/shop/runs/clean-1': ended };
    const { stdout } = await run(routes, 'runs', 'show', 'clean-1');
    expect(stdout).toMatch(/Missed before\s+2/);
    expect(stdout).toContain('no space');
    expect(stdout).not.toContain('\u001b[2J');
  });
});
