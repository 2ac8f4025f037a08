import { afterEach, describe, expect, it } from 'vitest';
import type { Replay, ReplayChange } from '@shiplog/api-client';
import { sendProblem, startFakeApi, type FakeApi, type Routes } from '../testing/fake-api.js';
import { runCli, type RunOptions } from '../testing/run-cli.js';

let api: FakeApi | undefined;
afterEach(async () => {
  await api?.close();
  api = undefined;
});
const cli = async (argv: readonly string[], routes: Routes, options: RunOptions = {}) => {
  api = await startFakeApi(routes);
  return runCli(argv, { url: api.url, isImpatient: true, ...options });
};

const sequence = (n: number): string => `${String(n).padStart(20, '0')}-0000`;
const change = (n: number, changes: Partial<ReplayChange>): ReplayChange => ({
  change: 'added',
  kind: 'config',
  app: 'shop',
  name: 'COLOUR',
  from: null,
  to: null,
  sequence: sequence(n),
  time: `2026-11-21T10:00:0${n}.000Z`,
  by: 'ann',
  for: null,
  reason: null,
  ...changes,
});
const then: Replay = {
  at: sequence(1),
  apps: [
    {
      name: 'shop',
      stopped: false,
      release: 3,
      releases: 4,
      formation: { web: 2, worker: 1 },
      configKeys: 5,
      domains: ['www.example.com'],
      instances: 3,
      routed: 2,
    },
  ],
  diff: null,
};
const changed: Replay = {
  ...then,
  diff: {
    from: sequence(1),
    to: sequence(9),
    commits: 8,
    changes: [
      change(2, { reason: 'new\ncolours' }),
      change(3, { change: 'changed', kind: 'formation', name: 'web', from: '1', to: '2' }),
      change(4, { change: 'removed', kind: 'token', app: null, name: 'laptop' }),
      change(5, { kind: 'live', to: 'v3', name: 'live release', by: 'deployer', for: 'ann' }),
    ],
  },
};

describe('replay', () => {
  it('shows the apps of a moment', async () => {
    const run = await cli(['replay', '--at', '3d'], { 'GET /v1/replay': then });
    expect(run).toMatchObject({ code: 0, stderr: '' });
    expect(run.stdout).toBe(
      `name  state    release  formation       instances  routed  config  domains
shop  started  v3       web=2 worker=1          3       2       5  www.example.com
`,
    );
    expect(api?.received[0]?.url).toBe('/v1/replay?at=2026-11-18T12%3A00%3A00.000Z');
  });

  it('shows what changed by app, with who, when and why', async () => {
    const run = await cli(['replay', '--at', '1', '--diff', '9'], { 'GET /v1/replay': changed });
    expect(run.stdout).toBe(
      `From ${sequence(1)} to ${sequence(9)}: 8 commits, 4 changed in the end.

shop
  + config COLOUR        ${sequence(2)} 2026-11-21 10:00:02 ann (new colours)
  ~ formation web 1 → 2  ${sequence(3)} 2026-11-21 10:00:03 ann
  + serves v3            ${sequence(5)} 2026-11-21 10:00:05 deployer for ann

platform
  - token laptop         ${sequence(4)} 2026-11-21 10:00:04 ann
`,
    );
    expect(api?.received[0]?.url).toBe('/v1/replay?at=1&diff=9');
  });

  it('has colours on a terminal', async () => {
    const options = { isTerminal: true, env: { FORCE_COLOR: '1' } };
    const run = await cli(['replay', '--diff', '9'], { 'GET /v1/replay': changed }, options);
    expect(run.stdout).toContain('\u001b[32m+ config COLOUR');
    expect(run.stdout).toContain('\u001b[33m~ formation web');
    expect(run.stdout).toContain('\u001b[31m- token laptop');
  });

  it('is one document in JSON', async () => {
    const argv = ['replay', '--diff', '1h', '-a', 'shop', '--json'];
    const run = await cli(argv, { 'GET /v1/replay': changed });
    expect(JSON.parse(run.stdout)).toEqual(changed);
    expect(api?.received[0]?.url).toBe('/v1/replay?diff=2026-11-21T11%3A00%3A00.000Z&app=shop');
  });

  it('says so where nothing changed, and where there was nothing', async () => {
    const diff = { from: sequence(1), to: sequence(1), commits: 0, changes: [] };
    const same = await cli(['replay', '--diff', '1'], { 'GET /v1/replay': { ...then, diff } });
    expect(same.stdout).toContain('0 commits, nothing changed in the end.');
    await api?.close();
    const none = await cli(['replay', '--at', '1'], { 'GET /v1/replay': { ...then, apps: [] } });
    expect(none.stdout).toContain('No apps that you can see');
  });

  it('refuses what is no moment, without asking, and hands on what the api refuses', async () => {
    const wrong = await cli(['replay', '--diff', 'someday'], {});
    expect(wrong).toMatchObject({ code: 2, stdout: '' });
    expect(api?.received).toEqual([]);
    await api?.close();
    const future = await cli(['replay', '--diff', '2999-01-01'], {
      'GET /v1/replay': (response) => sendProblem(response, 422, 'moment-unknown', 'not yet'),
    });
    expect(future.code).toBe(2);
  });
});
