import type { CausalStep } from '@shiplog/api-client';
import { afterEach, describe, expect, it } from 'vitest';
import { sendProblem, startFakeApi, type FakeApi, type Routes } from '../testing/fake-api.js';
import { runCli } from '../testing/run-cli.js';

let api: FakeApi | undefined;
afterEach(async () => {
  await api?.close();
  api = undefined;
});
const run = async (routes: Routes, ...argv: string[]) => {
  api = await startFakeApi(routes);
  return runCli(['why', ...argv], { url: api.url });
};

const step = (depth: number, kind: CausalStep['kind'], id: string, more: Partial<CausalStep>) => ({
  ...{ depth, kind, id, text: '', state: null, actor: 'api', reason: null, asked: false },
  ...{ time: '2026-11-21T10:00:00.000Z', sequence: '00000000000000000042-0000' },
  ...more,
});
const causes = {
  app: 'shop',
  appId: 'a1',
  steps: [
    step(0, 'actor', 'u1', { text: 'ann', time: null, sequence: null }),
    step(1, 'command', 'c1', { text: 'deploy upload', actor: 'ann', reason: 'faster\u001b[2J' }),
    step(2, 'release', 'v3', { text: 'shiplog/shop:v3', state: 'build' }),
    step(3, 'instance', 'web-1', { text: 'web on n1', state: 'ready', asked: true }),
    step(4, 'container', 'c0ffee', { text: 'started' }),
    step(3, 'instance', 'web-2', { text: 'web on n1', state: 'ready' }),
    step(1, 'command', 'c2', { text: 'restart', actor: 'ann' }),
  ],
};

describe('shiplog why', () => {
  it('prints a tree, and marks what was asked for', async () => {
    const { code, stdout } = await run({ 'GET /v1/why': causes }, 'web-1');
    expect(code).toBe(0);
    const when = ' 2026-11-21 10:00:00 00000000000000000042-0000';
    expect(stdout).toBe(`ann
├─ deploy upload by ann (faster) ${when}
│  └─ release v3 shiplog/shop:v3, build ${when}
│     ├─ instance web-1 web on n1, ready ${when}  <-- this
│     │  └─ container c0ffee started ${when}
│     └─ instance web-2 web on n1, ready ${when}
└─ restart by ann ${when}
`);
  });

  it('is JSON with --json, as the API has it', async () => {
    const { stdout } = await run({ 'GET /v1/why': causes }, 'web-1', '--json');
    expect(JSON.parse(stdout)).toEqual(JSON.parse(JSON.stringify(causes)));
  });

  it.each([
    [['web-1'], { of: 'web-1' }],
    [['www.example.com'], { of: 'www.example.com' }],
    [['32100'], { of: '32100' }],
    [['v3', '-a', 'shop'], { of: 'v3', app: 'shop' }],
    [['DATABASE_URL', '-a', 'shop'], { of: 'DATABASE_URL', app: 'shop' }],
    [['web-1', '--at', '42'], { of: 'web-1', at: '42' }],
  ])('asks for what is meant: %j', async (argv, query) => {
    await run({ 'GET /v1/why': causes }, ...argv);
    const { searchParams } = new URL(api?.received[0]?.url ?? '', 'http://x');
    expect(Object.fromEntries(searchParams.entries())).toMatchObject({
      ...query,
      ...('at' in query ? { at: expect.stringContaining('42') as string } : {}),
    });
  });

  it('needs the app for releases and config keys, and asks nothing before it knows', async () => {
    for (const subject of ['v3', 'DATABASE_URL']) {
      expect((await run({}, subject)).code).toBe(2);
      expect(api?.received).toEqual([]);
      await api?.close();
    }
  });

  it('ends with 3 where there is nothing of that name', async () => {
    const gone: Routes = {
      'GET /v1/why': (response) =>
        sendProblem(response, 404, 'subject-not-found', 'No such thing.'),
    };
    const { code, stdout, stderr } = await run(gone, 'web-9');
    expect([code, stdout]).toEqual([3, '']);
    expect(stderr).toContain('No such thing.');
  });
});
