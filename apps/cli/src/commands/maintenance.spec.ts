import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
const bodies = () => api?.received.map(({ body }) => JSON.parse(body.toString()) as unknown);
const OFF = { on: false, since: null, by: null, why: null, page: null, allow: [] };
const ON = {
  on: true,
  since: '2026-11-21T10:00:00.000Z',
  by: 'ada',
  why: 'the database moves',
  page: '<h1>back soon</h1>',
  allow: ['10.0.0.0/8'],
};
const PATH = '/v1/apps/shop/maintenance';

describe('shiplog maintenance', () => {
  it('sends the page, who may pass and the reason', async () => {
    const file = join(await mkdtemp(join(tmpdir(), 'page-')), 'closed.html');
    await writeFile(file, '<h1>back soon</h1>');
    const done = await run(
      { [`PUT ${PATH}`]: { sequence: '1', ...ON } },
      ...['maintenance', 'on', '-a', 'shop', '--page', file],
      ...['--allow', '10.0.0.0/8,::1', '-m', 'the database moves'],
    );
    expect(done.code).toBe(0);
    expect(done.stdout).toContain('shop is in maintenance, but for 10.0.0.0/8.');
    expect(bodies()).toEqual([{ page: '<h1>back soon</h1>', allow: ['10.0.0.0/8', '::1'] }]);
    expect(api?.received[0]?.headers['shiplog-reason']).toBe('the%20database%20moves');
  });

  it.each([
    [['--allow', 'here'], '"here" is no address'],
    [['--allow', '10.0.0.0/33'], '"10.0.0.0/33" is no address'],
    [['--allow', '1.2.3.4,'], 'such as 203.0.113.7,10.0.0.0/8'],
    [['--page', '/nowhere.html'], 'cannot read /nowhere.html'],
  ])('on %j is wrong usage, and asks for nothing', async (args, hint) => {
    const wrong = await run({}, 'maintenance', 'on', '-a', 'shop', ...args);
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining(hint)]);
    expect(api?.received).toEqual([]);
  });

  it('ends it', async () => {
    const done = await run(
      { [`DELETE ${PATH}`]: { sequence: '2', ...OFF } },
      ...['maintenance', 'off', '-a', 'shop'],
    );
    expect(done).toMatchObject({ code: 0, stdout: 'shop is not in maintenance.\n' });
  });

  it('says how it is', async () => {
    const on = await run({ [`GET ${PATH}`]: ON }, 'maintenance', 'status', '-a', 'shop');
    expect(on.stdout).toMatch(
      /by ada: the database moves\npage: its own\nmay pass: 10\.0\.0\.0\/8/,
    );
    await api?.close();
    const off = await run({ [`GET ${PATH}`]: OFF }, 'maintenance', 'status', '-a', 'shop');
    expect(off.stdout).toBe('shop is not in maintenance.\n');
    await api?.close();
    const json = await run(
      { [`GET ${PATH}`]: ON },
      'maintenance',
      'status',
      '-a',
      'shop',
      '--json',
    );
    expect(JSON.parse(json.stdout)).toEqual(ON);
  });
});
