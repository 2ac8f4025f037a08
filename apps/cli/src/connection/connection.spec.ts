import { mkdir, mkdtemp, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { startFakeApi, type FakeApi } from '../testing/fake-api.js';
import { runCli } from '../testing/run-cli.js';

let api: FakeApi | undefined;
afterEach(async () => {
  await api?.close();
  api = undefined;
});

const who = {
  user: 'ada',
  userId: 'u-1',
  administrator: true,
  teams: [{ id: 't-1', name: 'default' }],
  token: { id: 'tok-1', name: 'laptop', expiresAt: null },
  platform: 'shiplog',
  domain: 'localhost',
  version: '0.1.0',
};
const start = async (): Promise<FakeApi> =>
  (api = await startFakeApi({ 'GET /v1/whoami': who, 'GET /v1/apps': [] }));
const newHome = (): Promise<string> => mkdtemp(join(tmpdir(), 'shiplog-home-'));
const tokens = (): (string | undefined)[] =>
  (api?.received ?? []).map(({ headers }) => headers.authorization);

const writePlatform = async (home: string, ready: object, token?: string): Promise<void> => {
  await mkdir(join(home, 'platform'), { recursive: true });
  await writeFile(join(home, 'platform/ready.json'), JSON.stringify(ready));
  if (token === undefined) return;
  await writeFile(join(home, 'platform/credentials.json'), JSON.stringify({ token }));
};

describe('logging in', () => {
  it('keeps the token of standard input where only its owner can read it', async () => {
    const { url } = await start();
    const home = await newHome();
    const run = await runCli(['login', url, '--name', 'prod'], { home, stdin: 'shp_piped\n' });
    expect(run.code).toBe(0);
    const path = join(home, '.config/shiplog/config.json');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({
      current: 'prod',
      contexts: { prod: { url, token: 'shp_piped' } },
    });
    expect(run.stdout + run.stderr).not.toContain('shp_piped');
    expect((await runCli(['apps', 'list'], { home })).code).toBe(0);
    expect(tokens()).toEqual(['Bearer shp_piped', 'Bearer shp_piped']);
  });

  it('keeps nothing when the server refuses the token', async () => {
    api = await startFakeApi({
      'GET /v1/whoami': (response) => response.writeHead(401).end('{"code":"unauthenticated"}'),
    });
    const home = await newHome();
    expect((await runCli(['login', api.url], { home, stdin: 'shp_bad' })).code).toBe(4);
    expect((await runCli(['context', 'list', '--json'], { home })).stdout).toBe('[]\n');
  });

  it.each(['', 'two words', 'a\nb'])(
    'refuses %j as a token and does not repeat it',
    async (stdin) => {
      const { url } = await start();
      const run = await runCli(['login', url], { stdin });
      expect(run.code).toBe(2);
      expect(run.stderr).not.toContain('two words');
      expect(api?.received).toEqual([]);
    },
  );

  it('takes the credentials of this machine when it is about this machine', async () => {
    const { url } = await start();
    const home = await newHome();
    await writePlatform(home, { api: url, pid: process.pid }, 'shp_local');
    expect((await runCli(['login'], { home })).code).toBe(0);
    expect(tokens()).toEqual(['Bearer shp_local']);
  });

  it.each(['ftp://x', 'http://', 'http://user:secret@host', 'http://h?x=1', 'not a url'])(
    'refuses %s as an address',
    async (url) => {
      expect((await runCli(['login', url], { stdin: 'shp_x' })).code).toBe(2);
    },
  );
});

describe('which Shiplog is talked to', () => {
  it('is that of this machine without any login', async () => {
    const { url } = await start();
    const home = await newHome();
    await writePlatform(home, { api: url, pid: process.pid }, 'shp_local');
    const run = await runCli(['whoami', '--json'], { home });
    expect(JSON.parse(run.stdout)).toEqual({ ...who, url });
  });

  it('is the context before that of this machine, and the environment before both', async () => {
    const { url } = await start();
    const home = await newHome();
    await writePlatform(home, { api: 'http://127.0.0.1:9', pid: process.pid }, 'shp_local');
    await runCli(['login', url], { home, stdin: 'shp_context' });
    await runCli(['apps', 'list'], { home });
    await runCli(['apps', 'list'], { home, env: { SHIPLOG_TOKEN: 'shp_env' } });
    expect(tokens().slice(1)).toEqual(['Bearer shp_context', 'Bearer shp_env']);
  });

  it('never gets the token of another one', async () => {
    const { url } = await start();
    const home = await newHome();
    await writePlatform(home, { api: 'http://127.0.0.1:9', pid: process.pid }, 'shp_local');
    const run = await runCli(['apps', 'list'], { home, env: { SHIPLOG_URL: url } });
    expect(run.code).toBe(4);
    expect(run.stderr).toContain(`no token for ${url}`);
    expect(api?.received).toEqual([]);
  });

  it('is said when none runs here', async () => {
    const run = await runCli(['apps', 'list']);
    expect(run.code).toBe(6);
    expect(run.stderr).toContain('npm start');
  });

  it('is said when the one that ran here has died', async () => {
    const home = await newHome();
    await writePlatform(home, { api: 'http://127.0.0.1:9', pid: 2 ** 22 + 1 }, 'shp_local');
    const run = await runCli(['apps', 'list'], { home });
    expect(run.code).toBe(6);
    expect(run.stderr).toContain('is not running any more');
  });

  it('is said when its credentials are not ours', async () => {
    const home = await newHome();
    await writePlatform(home, { api: 'http://127.0.0.1:9', pid: process.pid });
    const run = await runCli(['apps', 'list'], { home });
    expect(run.code).toBe(4);
    expect(run.stderr).toContain('shiplog tokens create');
  });

  it('changes with context use, which knows similar names', async () => {
    const { url } = await start();
    const home = await newHome();
    await runCli(['login', url, '--name', 'prod'], { home, stdin: 'shp_1' });
    await runCli(['login', url, '--name', 'test'], { home, stdin: 'shp_2' });
    expect((await runCli(['context', 'use', 'prod'], { home })).code).toBe(0);
    const list = await runCli(['context', 'list', '--json'], { home });
    expect(JSON.parse(list.stdout)).toEqual([
      { name: 'prod', url, current: true },
      { name: 'test', url, current: false },
    ]);
    expect(list.stdout).not.toContain('shp_');
    const wrong = await runCli(['context', 'use', 'prd'], { home });
    expect(wrong.code).toBe(3);
    expect(wrong.stderr).toContain('Did you mean prod?');
  });

  it('is said when the file of contexts is broken', async () => {
    const home = await newHome();
    await mkdir(join(home, '.config/shiplog'), { recursive: true });
    await writeFile(join(home, '.config/shiplog/config.json'), '{');
    const run = await runCli(['apps', 'list'], { home });
    expect(run.code).toBe(1);
    expect(run.stderr).toContain('config.json');
  });
});

describe('git asks for a password', () => {
  const ask = (home: string, url: string) => {
    const { protocol, host } = new URL(url);
    const stdin = `protocol=${protocol.replace(':', '')}\nhost=${host}\npath=git/shop.git\n\n`;
    return runCli(['git-credential', 'get'], { home, stdin });
  };

  it('and gets the token of that server', async () => {
    const home = await newHome();
    await writePlatform(home, { api: 'http://127.0.0.1:4600', pid: process.pid }, 'shp_local');
    const { stdout } = await ask(home, 'http://127.0.0.1:4600');
    expect(stdout).toBe('username=shiplog\npassword=shp_local\n');
  });

  it('and gets nothing for another server', async () => {
    const home = await newHome();
    await writePlatform(home, { api: 'http://127.0.0.1:4600', pid: process.pid }, 'shp_local');
    for (const other of [
      'http://127.0.0.1:4601',
      'https://127.0.0.1:4600',
      'http://evil.example',
    ]) {
      expect(await ask(home, other)).toEqual({ code: 0, stdout: '', stderr: '' });
    }
  });

  it('and nothing is stored or erased for it', async () => {
    const run = await runCli(['git-credential', 'store'], { stdin: 'protocol=http\n' });
    expect(run).toEqual({ code: 0, stdout: '', stderr: '' });
  });
});
