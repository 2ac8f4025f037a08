import { afterEach, describe, expect, it } from 'vitest';
import { startFakeApi, type FakeApi, type Routes } from '../testing/fake-api.js';
import { runCli } from '../testing/run-cli.js';

let api: FakeApi | undefined;
afterEach(async () => {
  await api?.close();
  api = undefined;
});
const run = async (routes: Routes, argv: readonly string[], stdin = '') => {
  api = await startFakeApi(routes);
  return runCli(argv, { url: api.url, stdin });
};
const now = (users: readonly string[], passesHeader = false) => ({ users, passesHeader });
const PATCH = 'PATCH /v1/apps/shop/basic-auth';
const bodyOf = (): unknown => JSON.parse(api?.received.at(-1)?.body.toString() ?? '');

describe('shiplog basic-auth', () => {
  it('shows who may', async () => {
    const routes = { 'GET /v1/apps/shop/basic-auth': now(['ann', 'bob']) };
    const { stdout } = await run(routes, ['basic-auth', 'show', '-a', 'shop']);
    expect(stdout).toMatch(/users +ann, bob\nheader +not passed on/);
  });

  it('takes a password from standard input, without the line end, and says nothing of it', async () => {
    const argv = ['basic-auth', 'set', 'ann', '-a', 'shop'];
    const { code, stdout, stderr } = await run(
      { [PATCH]: { sequence: '1.0', ...now(['ann']) } },
      argv,
      'correct horse \r\n',
    );
    expect([code, bodyOf()]).toEqual([
      0,
      { set: { ann: 'correct horse ' }, unset: [], open: false },
    ]);
    expect(stdout).toBe('ann reaches shop with this password from now on\n');
    expect(stdout + stderr).not.toContain('horse');
  });

  it('takes no password on the command line', async () => {
    const { code, stderr } = await run({}, ['basic-auth', 'set', 'ann', 'horse', '-a', 'shop']);
    expect([code, stderr.includes('too many arguments')]).toEqual([2, true]);
  });

  it('opens an app only with --open, and says that it is open', async () => {
    const routes = { [PATCH]: { sequence: '1.0', ...now([]) } };
    const argv = ['basic-auth', 'unset', 'ann', '-a', 'shop', '--open'];
    expect((await run(routes, argv)).stdout).toBe('Everyone reaches shop from now on\n');
    expect(bodyOf()).toEqual({ set: {}, unset: ['ann'], open: true });
  });

  it('knows two words for the header', async () => {
    const routes = { [PATCH]: { sequence: '1.0', ...now(['ann'], true) } };
    const argv = ['basic-auth', 'header', 'pass', '-a', 'shop'];
    expect((await run(routes, argv)).stdout).toBe('shop sees the Authorization of clients\n');
    expect(bodyOf()).toEqual({ set: {}, unset: [], open: false, passesHeader: true });
    await api?.close();
    const wrong = await run(routes, ['basic-auth', 'header', 'drop', '-a', 'shop']);
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('neither')]);
  });
});
