import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { sendProblem, startFakeApi, type FakeApi, type Routes } from '../testing/fake-api.js';
import { shop } from '../testing/fixtures.js';
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
const bodies = () => api?.received.map(({ body }) => JSON.parse(body.toString()) as unknown);

const held = {
  by: 'ada',
  why: 'audit',
  since: '2026-11-21T10:00:00.000Z',
  until: '2999-01-01T00:00:00.000Z',
};
const weekend = {
  ...{
    freeze: 'weekend',
    ofPlatform: false,
    timeZone: 'Europe/Berlin',
    why: null,
    openUntil: null,
  },
  window: { kind: 'weekly', from: 'FRI 16:00', until: 'MON 08:00' },
  next: { from: '2999-01-01T00:00:00.000Z', until: '2999-01-03T00:00:00.000Z' },
};

describe('shiplog lock', () => {
  const routes = { 'POST /v1/apps/shop/lock': { sequence: '1', lock: held } };

  it('locks for a while, with the reason', async () => {
    const done = await run(routes, 'lock', '-a', 'shop', '--for', '2h', '-m', 'audit');
    expect(done).toMatchObject({ code: 0 });
    expect(done.stdout).toContain('shop is locked: audit.');
    const [body] = bodies() as [{ until: string }];
    expect(Date.parse(body.until)).toBeGreaterThan(0);
    expect(api?.received[0]?.headers['shiplog-reason']).toBe('audit');
  });

  it.each([
    [['-m', 'x', '--for', '2h', '--until', '2999-01-01T00:00Z'], 'one of them'],
    [['-m', 'x', '--until', '2999-02-30T00:00Z'], 'is no time'],
    [['-m', 'x', '--until', '2020-01-01T00:00Z'], 'is over'],
    [['-m', 'x', '--until', '9999-12-31T23:59:59-05:00'], 'after the year 9999'],
    [['-m', 'x', '--for', '999999999d'], 'after the year 9999'],
    [['--for', '2h'], 'it is not said why'],
  ])('%j is wrong usage', async (args, hint) => {
    const wrong = await run(routes, 'lock', '-a', 'shop', ...args);
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining(hint)]);
    expect(api?.received).toEqual([]);
  });

  it('is told by apps show, and refuses the upload of a deploy before anything is changed', async () => {
    const frozen = [
      { freeze: 'weekend', ofPlatform: true, why: null, until: '2999-01-03T00:00:00.000Z' },
    ];
    const locked = { ...shop, gate: { lock: held, frozen, nextFreeze: null } };
    const show = await run({ 'GET /v1/apps/shop': locked }, 'apps', 'show', 'shop');
    expect(show.stdout).toMatch(/Locked +.*by ada.*: audit\n/);
    expect(show.stdout).toMatch(/Frozen +weekend \(whole platform\), ends in/);
    await api?.close();
    const directory = await mkdtemp(join(tmpdir(), 'shiplog-gates-'));
    await writeFile(join(directory, 'server.js'), 'console.log(1)');
    const deploy = await run(
      {
        'GET /v1/apps/shop': locked,
        'POST /v1/apps/shop/sources': (response) =>
          sendProblem(response, 423, 'app-locked', 'The app is locked by ada.'),
      },
      ...['deploy', directory, '--port', '81', '-a', 'shop', '--override-freeze', '-m', 'x'],
      '--json',
    );
    expect(deploy.code).toBe(4);
    const problem = deploy.stderr.split('\n').findLast((line) => line.startsWith('{')) ?? '';
    expect(JSON.parse(problem)).toMatchObject({ code: 'app-locked' });
    expect(api?.received.map(({ url }) => url)).toEqual(['/v1/apps/shop', '/v1/apps/shop/sources']);
    expect(api?.received[1]?.headers['shiplog-override']).toBe('freeze');
  });
});

describe('--override-lock and --override-freeze', () => {
  it('go along with the change, and need a reason', async () => {
    const routes = { 'POST /v1/apps/shop/rollback': { sequence: '1', release: 3, rollbackOf: 1 } };
    const argv = ['rollback', 'v1', '-a', 'shop', '--no-wait', '--override-freeze'];
    const mute = await run(routes, ...argv);
    expect([mute.code, mute.stderr]).toEqual([2, expect.stringContaining('Say why')]);
    expect(api?.received).toEqual([]);
    await api?.close();
    await run(routes, ...argv, '--override-lock', '-m', 'down');
    expect(api?.received[0]?.headers['shiplog-override']).toBe('lock, freeze');
  });
});

describe('shiplog freeze', () => {
  const added = { sequence: '1', freeze: weekend };
  const place = 'PUT /v1/apps/shop/freezes/weekend';

  it.each([
    [
      ['Friday 16:00 – mon 8:00', '--time-zone', 'Europe/Berlin'],
      {
        window: { kind: 'weekly', from: 'FRI 16:00', until: 'MON 08:00' },
        timeZone: 'Europe/Berlin',
      },
    ],
    [
      ['--cron', '0 22 * * *', '--for', '8h'],
      { window: { kind: 'cron', schedule: '0 22 * * *', seconds: 28_800 } },
    ],
    [
      ['--from', '2026-12-23T12:00', '--to', '2027-01-04T08:00'],
      { window: { kind: 'once', from: '2026-12-23T12:00', until: '2027-01-04T08:00' } },
    ],
  ])('adds %j', async (args, body) => {
    const done = await run({ [place]: added }, 'freeze', 'add', 'weekend', ...args, '-a', 'shop');
    expect(done).toMatchObject({ code: 0 });
    expect(bodies()).toEqual([body]);
  });

  it.each([
    [[], 'it is not said when'],
    [['Fri 16:00 - Mon 08:00', '--cron', '@daily', '--for', '1h'], 'more than one thing'],
    [['--cron', '@daily'], '--cron needs --for'],
    [['--from', '2026-12-23T12:00'], 'go together'],
    [['Fri 16:00'], 'no time of the week'],
    [['Fry 16:00 - Mon 08:00'], 'no day of the week'],
    [['Fri 24:00 - Mon 08:00'], 'no time of the day'],
    [['Fri 16:00 - Mon 08:00', '--platform'], 'one app or all'],
  ])('%j is wrong usage', async (args, hint) => {
    const wrong = await run({}, 'freeze', 'add', 'weekend', ...args, '-a', 'shop');
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining(hint)]);
    expect(api?.received).toEqual([]);
  });

  it('lists those of the platform, and removes them', async () => {
    const all = [{ ...weekend, ofPlatform: true }];
    const list = await run({ 'GET /v1/freezes': all }, 'freeze', 'list', '--platform');
    expect(list.stdout).toMatch(/weekend +platform +FRI 16:00 - MON 08:00 Europe\/Berlin +no/);
    await api?.close();
    const gone = await run(
      { 'DELETE /v1/freezes/weekend': { sequence: '1' } },
      ...['freeze', 'remove', 'weekend', '--platform'],
    );
    expect(gone).toMatchObject({ code: 0 });
  });
});
