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
const received = () =>
  api?.received.map(({ method, url, body }) => [method, url, body.toString()] as const);

const GIB = 1024 ** 3;
const data = {
  ...{ id: 'vol_1', name: 'data', path: '/data', processes: ['web'], shared: false },
  ...{ sizeBytes: 2 * GIB, state: 'created', aboveSize: false, usedBytes: GIB },
  measuredAt: '2026-11-21T10:00:00.000Z',
  backup: { excluded: false, hook: null },
};
const ALL = 'GET /v1/apps/shop/volumes';

describe('shiplog volumes', () => {
  it('lists what there is, how full it is, and what is wrong with it', async () => {
    const files = { ...data, name: 'files', processes: [], shared: true, aboveSize: true };
    const lost = { ...data, name: 'lost', state: 'missing', usedBytes: null, measuredAt: null };
    const { stdout } = await run({ [ALL]: [data, files, lost] }, 'volumes', 'list', '-a', 'shop');
    const words = stdout.split('\n').map((line) => line.trim().split(/ {2,}/));
    expect(words.slice(1, 4)).toEqual([
      ['data', '/data', 'web', 'exclusive', '2 GiB', '1 GiB (50%)', 'created'],
      ['files', '/data', 'nobody', 'shared', '2 GiB', '1 GiB (50%)', 'above its size'],
      ['lost', '/data', 'web', 'exclusive', '2 GiB', 'missing'],
    ]);
  });

  it('shows one, and names the others where there is none of that name', async () => {
    const shown = await run({ [ALL]: [data] }, 'volumes', 'show', 'data', '-a', 'shop');
    expect(shown.stdout).toContain('exclusive: one instance at a time');
    const none = await runCli(['volumes', 'show', 'dat', '-a', 'shop'], { url: api?.url ?? '' });
    expect(none.code).toBe(3);
    expect(none.stderr).toContain('Its volumes: data.');
  });

  it('adds one as it is typed, and nothing that was not said', async () => {
    const answer = { sequence: '1', volume: data };
    const add = ['volumes', 'add', 'data', '/data', '-a', 'shop', '--no-wait'];
    await run({ 'POST /v1/apps/shop/volumes': answer }, ...add, '--size', '2G');
    await runCli([...add, '--size', '1G', '--process', 'web,worker', '--shared'], {
      url: api?.url ?? '',
    });
    expect(received()?.map(([, , body]) => JSON.parse(body) as unknown)).toEqual([
      { name: 'data', path: '/data', sizeBytes: 2 * GIB },
      ...[
        {
          ...{ name: 'data', path: '/data', sizeBytes: GIB },
          ...{ processes: ['web', 'worker'], shared: true },
        },
      ],
    ]);
  });

  it('is backed up after a command, or not at all', async () => {
    const hook = { command: ['pg_dump', '-f', '/data/dump'], timeoutSeconds: 600 };
    const answer = { sequence: '1', volume: { ...data, backup: { excluded: false, hook } } };
    const backup = ['volumes', 'backup', 'data', '-a', 'shop'];
    const { stdout } = await run(
      { 'PATCH /v1/apps/shop/volumes/data/backup': answer },
      ...[...backup, '--timeout', '10m', '--', ...hook.command],
    );
    expect(stdout).toContain('after pg_dump -f /data/dump (600 s at most)');
    const url = api?.url ?? '';
    await runCli([...backup, '--', 'sync'], { url });
    await runCli([...backup, '--exclude', '--no-hook'], { url });
    await runCli([...backup, '--include'], { url });
    expect(received()?.map(([, , body]) => JSON.parse(body) as unknown)).toEqual([
      { hook },
      { hook: { command: ['sync'] } },
      { excluded: true, hook: null },
      { excluded: false },
    ]);
  });

  it.each([
    [['add', 'data', '/data'], '--size is missing'],
    [['add', 'data', '/data', '--size', 'much'], 'is not a size'],
    [['add', 'data', '/data', '--size', '1G', '--shared', '--exclusive'], 'exclude each other'],
    [['mount', 'data'], 'nothing to change'],
    [['backup', 'data'], 'nothing to change'],
    [['backup', 'data', '--exclude', '--include'], 'exclude each other'],
    [['backup', 'data', '--timeout', '5m'], 'a command, which is missing'],
    [['remove', 'data'], '--confirm data'],
    [['recreate', 'data'], '--confirm data'],
  ])('%s is wrong usage, and asks nobody', async (argv, said) => {
    const { code, stderr } = await run({}, 'volumes', ...argv, '-a', 'shop');
    expect(code).toBe(2);
    expect(stderr).toContain(said);
    expect(received()).toEqual([]);
  });

  it('takes a name once more for what is not to be brought back', async () => {
    const done = { sequence: '1' };
    await run(
      { 'DELETE /v1/apps/shop/volumes/data': done, 'DELETE /v1/volumes/kept/vol_1': done },
      ...['volumes', 'remove', 'data', '--confirm', 'data', '-a', 'shop'],
    );
    await runCli(['volumes', 'purge', 'vol_1', '--confirm', 'data'], { url: api?.url ?? '' });
    expect(received()?.map(([method, url]) => `${method} ${url}`)).toEqual([
      'DELETE /v1/apps/shop/volumes/data?confirm=data',
      'DELETE /v1/volumes/kept/vol_1?confirm=data',
    ]);
  });
});
