import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import {
  sendJson,
  sendLines,
  sendProblem,
  startFakeApi,
  type FakeApi,
  type Routes,
} from '../testing/fake-api.js';
import { release3, SEQUENCE, shop, web1 } from '../testing/fixtures.js';
import { runCli, type RunOptions } from '../testing/run-cli.js';

let api: FakeApi | undefined;
afterEach(async () => {
  await api?.close();
  api = undefined;
});

const cli = async (argv: readonly string[] | string, routes: Routes, options: RunOptions = {}) => {
  api = await startFakeApi(routes);
  return runCli(typeof argv === 'string' ? argv.split(' ') : argv, { url: api.url, ...options });
};
const bodyOf = (i: number): unknown => JSON.parse(api?.received[i]?.body.toString() ?? 'null');
const done = (text: string) => ({ kind: 'done', text, at: '2026-11-21T12:00:00Z' });

describe('tables', () => {
  it('of ps', async () => {
    const crashed = {
      ...web1,
      id: 'i-bbbb22',
      process: 'worker',
      state: 'exited',
      exitCode: 137,
      oomKilled: true,
      port: null,
      cpu: null,
      memoryBytes: null,
      restarts: 4,
      startedAt: null,
    };
    const run = await cli('ps -a shop', { 'GET /v1/apps/shop/instances': [web1, crashed] });
    expect(run.stdout).toBe(
      `process  instance  release  state                      cpu             memory  restarts  started    address
web      i-aaaa11  v3       ready                   12.5 %  50 MiB of 512 MiB         0  5 min ago  node-1:21000
worker   i-bbbb22  v3       exited (out of memory)                                    4             node-1
`,
    );
  });

  it('of ps, with why an instance is unready', async () => {
    const unready = {
      at: new Date(Date.parse(web1.startedAt ?? '') + 60_000).toISOString(),
      cause: 'readiness',
      check: 'http 200-399 /up',
      got: 'HTTP 503 to GET /up:\u001b[2J down',
    };
    const sick = { ...web1, state: 'unready', unready };
    const run = await cli('ps -a shop', { 'GET /v1/apps/shop/instances': [sick] });
    expect(run.stdout).toContain('v3       unready');
    const late = { ...web1, state: 'starting', lastAnswer: 'connection refused' };
    const starting = await cli('ps -a shop', { 'GET /v1/apps/shop/instances': [late] });
    expect(starting.stdout).toContain('i-aaaa11 is not ready yet: connection refused\n');
    expect(run.stdout).toContain(
      'i-aaaa11 is unready for 4 min (readiness): HTTP 503 to GET /up: down\n',
    );
  });

  it('sets and shows health checks', async () => {
    const readiness = {
      ...{ kind: 'http', path: '/up', status: '200-399', command: null, delayMs: 0 },
      ...{ intervalMs: 1000, timeoutMs: 1000, failures: 2, successes: 2 },
    };
    const settings = { ...shop.settings, checks: { web: { readiness } } };
    await cli(
      [
        'settings',
        'set',
        '-a',
        'shop',
        '--no-wait',
        'web.readiness=http /up interval=1s',
        'cpus=2',
      ],
      { 'PATCH /v1/apps/shop/settings': { sequence: '1', settings } },
    );
    expect(bodyOf(0)).toEqual({
      checks: { web: { readiness: { kind: 'http', path: '/up', intervalMs: 1000 } } },
      cpus: 2,
    });
    const shown = await cli('settings show -a shop', { 'GET /v1/apps/shop/settings': settings });
    expect(shown.stdout).toMatch(
      /web.readiness +http \/up status=200-399 interval=1s timeout=1s failures=2 successes=2\n/,
    );
  });

  it('of apps and releases', async () => {
    const apps = await cli('apps list', { 'GET /v1/apps': [shop] });
    expect(apps.stdout).toBe(`name  state  release  url                          created   by
shop  live   v3       http://shop.localhost:8080/  24 h ago  admin
`);
    const releases = await cli('releases list -a shop', {
      'GET /v1/apps/shop/releases': [release3],
    });
    expect(releases.stdout).toBe(`release  state  made from  why    created     by     reason
v3       live   b-3        build  10 min ago  admin  faster carts
`);
  });

  it('say what to do when they are empty', async () => {
    const run = await cli('apps list', { 'GET /v1/apps': [] });
    expect(run.stdout).toBe('No apps yet. Create one: shiplog apps create NAME\n');
  });

  it('have colours on a terminal, unless NO_COLOR says no', async () => {
    const routes = { 'GET /v1/apps': [shop] };
    const colour = /\u001b\[32mlive/;
    expect((await cli('apps list', routes, { isTerminal: true })).stdout).toMatch(colour);
    const env = { NO_COLOR: '1' };
    const run = await cli('apps list', routes, { isTerminal: true, env });
    expect(run.stdout).not.toContain('\u001b');
  });
});

describe('the past', () => {
  it('is asked for with --at, as a time or a sequence', async () => {
    await cli('ps -a shop --at 10m --json', { 'GET /v1/apps/shop/instances': [] });
    expect(api?.received[0]?.url).toBe('/v1/apps/shop/instances?at=2026-11-21T11%3A50%3A00.000Z');
    await cli(`apps list --at ${SEQUENCE}`, { 'GET /v1/apps': [] });
    expect(api?.received[0]?.url).toBe(`/v1/apps?at=${SEQUENCE}`);
  });

  it('is not watched', async () => {
    expect((await cli('ps -a shop --at 10m --watch', {})).code).toBe(2);
  });
});

describe('ps --watch', () => {
  it('goes on until Ctrl-C, a document per round', async () => {
    const stop = new AbortController();
    let rounds = 0;
    const watching = await cli(
      'ps -a shop --watch --json',
      {
        'GET /v1/apps/shop/instances': (response) => {
          rounds += 1;
          sendJson(response, 200, [web1]);
          setTimeout(() => stop.abort(new Error('Ctrl-C')), 50);
        },
      },
      { signal: stop.signal },
    );
    expect(watching.code).toBe(130);
    expect(watching.stdout).toBe(`${JSON.stringify([web1])}\n`);
    expect(rounds).toBe(1);
  });
});

describe('config', () => {
  const changed = { sequence: SEQUENCE, keys: ['A'], release: null };

  it('import sends all pairs in one change and shows no value', async () => {
    const run = await cli(
      'config import -a shop -m secrets',
      { 'PATCH /v1/apps/shop/config': changed },
      { stdin: 'A=hunter2\nB="two words" # x\n' },
    );
    expect(run.stdout).toBe('Set A, B. The first release will have it.\n');
    expect(run.stdout + run.stderr).not.toContain('hunter2');
    expect(bodyOf(0)).toEqual({ set: { A: 'hunter2', B: 'two words' }, unset: [] });
  });

  it('import reads a file and names the line that is wrong', async () => {
    const cwd = await mkdtemp(join(tmpdir(), 'shiplog-env-'));
    await writeFile(join(cwd, '.env'), 'A=1\n\nsome secret\n');
    const run = await cli('config import .env -a shop', {}, { cwd });
    expect(run.code).toBe(2);
    expect(run.stderr).toContain('line 3 is not of the form KEY=value');
    expect(run.stderr).not.toContain('secret');
    expect((await cli('config import nope.env -a shop', {}, { cwd })).code).toBe(2);
  });

  it('set waits for the new release', async () => {
    const run = await cli('config set A=1 -a shop --json', {
      'PATCH /v1/apps/shop/config': { ...changed, release: 4 },
      'GET /v1/apps/shop/progress': (response) => sendLines(response, [done('v4 is live')]),
    });
    expect(JSON.parse(run.stdout)).toEqual({
      ...changed,
      release: 4,
      settled: true,
      text: 'v4 is live',
    });
  });

  it('get prints the value and nothing else', async () => {
    const run = await cli('config get A -a shop', {
      'GET /v1/apps/shop/config/A': { key: 'A', value: 'x=1' },
    });
    expect(run.stdout).toBe('x=1\n');
  });
});

describe('deploy', () => {
  const routes = (received: string[] = []): Routes => ({
    'GET /v1/apps/shop': shop,
    [`PATCH /v1/apps/shop/settings`]: { sequence: SEQUENCE, settings: shop.settings },
    [`POST /v1/apps/shop/sources`]: (response, { headers, body }) => {
      received.push(headers['content-type'] ?? '', String(body.includes('console.log')));
      sendJson(response, 201, { digest: `sha256:${'b'.repeat(64)}`, bytes: body.length });
    },
    [`POST /v1/apps/shop/builds`]: (response) =>
      sendJson(response, 202, { sequence: SEQUENCE, buildId: 'b-4' }),
    [`GET /v1/apps/shop/progress`]: (response) =>
      sendLines(response, [
        { kind: 'output', text: 'npm\u001b[2J ci', at: '2026-11-21T12:00:00Z' },
        { ...done('v4 is live'), version: 4, url: shop.url },
      ]),
  });

  it('leaves the settings as they are where the app is locked or frozen', async () => {
    const lock = { by: 'ada', why: 'audit', since: '2026-11-21T10:00:00.000Z', until: null };
    const held = { ...shop, gate: { ...shop.gate, lock } };
    const refusing: Routes = {
      ...routes(),
      'GET /v1/apps/shop': held,
      'POST /v1/apps/shop/builds': (response) =>
        sendProblem(response, 423, 'app-locked', 'shop is locked by ada: audit.'),
    };
    const refused = await cli('deploy -a shop --image nginx --strategy canary', refusing);
    expect([refused.code, refused.stderr]).toEqual([4, expect.stringContaining('locked by ada')]);
    expect(api?.received.map(({ method }) => method)).toEqual(['GET', 'POST']);
    // Where the lock ended in between the settings follow.
    const done = await cli('deploy -a shop --image nginx --strategy canary --no-wait', {
      ...routes(),
      'GET /v1/apps/shop': held,
    });
    expect(done.code).toBe(0);
    expect(api?.received.map(({ method }) => method)).toEqual(['GET', 'POST', 'PATCH']);
  });

  it('sends the directory, builds it, waits, and tells where it answers', async () => {
    const cwd = await mkdtemp(join(tmpdir(), 'shiplog-deploy-'));
    await writeFile(join(cwd, 'server.js'), 'console.log(1)');
    const received: string[] = [];
    const run = await cli('deploy -a shop --json', routes(received), { cwd });
    expect(run.stderr).toBe('');
    expect(JSON.parse(run.stdout)).toEqual({
      app: 'shop',
      buildId: 'b-4',
      sequence: SEQUENCE,
      settled: true,
      release: 4,
      text: 'v4 is live',
      url: shop.url,
    });
    expect(received).toEqual(['application/x-tar', 'true']);
    expect(bodyOf(2)).toEqual({
      source: {
        kind: 'archive',
        via: 'upload',
        digest: `sha256:${'b'.repeat(64)}`,
        commit: null,
        branch: null,
      },
    });
  });

  it('shows the output of the build, harmless', async () => {
    const run = await cli('deploy -a shop --image nginx:1.27', routes());
    expect(run).toEqual({ code: 0, stdout: 'v4 is live\n', stderr: '| npm ci\n' });
    expect(bodyOf(1)).toEqual({ source: { kind: 'image', ref: 'nginx:1.27' } });
  });

  it('sets port and health path first', async () => {
    await cli('deploy -a shop --image x --port 80 --health-path /up', routes());
    expect(bodyOf(1)).toEqual({ port: 80, healthPath: '/up' });
  });

  it.each([
    'deploy . --image x -a shop',
    'deploy --port 99999 --image x -a shop',
    'deploy no-such-directory -a shop',
  ])('refuses %s', async (argv) => {
    expect((await cli(argv, routes())).code).toBe(2);
  });

  it('says what the server has against a source, also while it is being sent', async () => {
    const cwd = await mkdtemp(join(tmpdir(), 'shiplog-deploy-'));
    await writeFile(join(cwd, 'big.bin'), Buffer.alloc(8 * 1024 * 1024));
    const run = await cli(
      'deploy -a shop',
      {
        ...routes(),
        [`POST /v1/apps/shop/sources`]: (response) =>
          sendProblem(response, 413, 'body-too-large', 'The source is too large.'),
      },
      { cwd },
    );
    expect(run.code).toBe(4);
    expect(run.stderr).toContain('Error: The source is too large.');
  });
});

describe('rollback', () => {
  it.each([
    ['rollback v2 -a shop', { version: 2 }],
    ['rollback 2 -a shop', { version: 2 }],
    ['rollback -a shop', {}],
  ])('%s', async (argv, body) => {
    const run = await cli(argv, {
      'POST /v1/apps/shop/rollback': {
        sequence: SEQUENCE,
        release: 4,
        rollbackOf: 2,
        deployId: 'd-4',
      },
      'GET /v1/apps/shop/progress': (response) => sendLines(response, [done('v4 is live')]),
    });
    expect(run.stdout).toBe('v4 is live\n');
    expect(bodyOf(0)).toEqual(body);
    expect(api?.received[1]?.url).toBe('/v1/apps/shop/progress?deploy=d-4');
  });

  it('refuses what is no release', async () => {
    expect((await cli('rollback latest -a shop', {})).code).toBe(2);
  });
});

describe('apps destroy', () => {
  it('needs the name once more', async () => {
    const run = await cli('apps destroy shop', {});
    expect(run.code).toBe(2);
    expect(run.stderr).toContain('shiplog apps destroy shop --confirm shop');
    expect(api?.received).toEqual([]);
  });

  it('sends it', async () => {
    const run = await cli('apps destroy shop --confirm shop --json', {
      'DELETE /v1/apps/shop': { sequence: SEQUENCE },
    });
    expect(run.stdout).toBe(`{"sequence":"${SEQUENCE}"}\n`);
    expect(api?.received[0]?.url).toBe('/v1/apps/shop?confirm=shop');
  });
});

describe('logs', () => {
  const line = {
    time: '2026-11-21T12:00:00.5Z',
    instance: 'i-aaaa11',
    process: 'web',
    stream: 'stdout',
    text: 'hi\u001b[2J',
  };

  it('asks for what is wanted and prints harmless lines', async () => {
    const run = await cli('logs -a shop --tail 5 --process web --type app', {
      'GET /v1/apps/shop/logs': (response) => sendLines(response, [line]),
    });
    expect(api?.received[0]?.url).toBe(
      '/v1/apps/shop/logs?follow=false&tail=5&process=web&type=app',
    );
    expect(run.stdout).toMatch(/^\d\d:\d\d:\d\d\.500 web i-aaaa11 \| hi\n$/);
  });

  it('prints one JSON document per line', async () => {
    const run = await cli('logs -a shop --json', {
      'GET /v1/apps/shop/logs': (response) => sendLines(response, [line, line]),
    });
    expect(
      run.stdout
        .trim()
        .split('\n')
        .map((text) => JSON.parse(text) as unknown),
    ).toEqual([line, line]);
  });

  it('says on stderr that there are none', async () => {
    const run = await cli('logs -a shop -p worker', {
      'GET /v1/apps/shop/logs': (response) => sendLines(response, []),
    });
    expect(run).toEqual({ code: 0, stdout: '', stderr: 'No log lines.\n' });
  });

  it('refuses a type that there is not', async () => {
    expect((await cli('logs -a shop --type acces', {})).code).toBe(2);
  });
});

describe('events', () => {
  const event = (n: number, type = 'AppCreated') => ({
    specversion: '1.0',
    id: `c-${n}`,
    source: '/platforms/shiplog',
    type,
    subject: 'app/a-1',
    time: '2026-11-21T12:00:00Z',
    datacontenttype: 'application/json',
    sequence: `${String(n).padStart(20, '0')}-0000`,
    actor: 'ada',
    actorkind: 'user',
    correlation: 'c',
    data: { name: 'shop' },
  });

  it('reads page after page, also empty ones, to the end', async () => {
    let page = 0;
    const pages = [
      { events: [event(1), event(2)], next: event(2).sequence, end: false },
      { events: [], next: event(7).sequence, end: false },
      { events: [event(8)], next: event(8).sequence, end: true },
    ];
    const run = await cli('events --json', {
      'GET /v1/events': (response) => sendJson(response, 200, pages[page++] ?? {}),
    });
    const sequences = run.stdout
      .trim()
      .split('\n')
      .map((text) => (JSON.parse(text) as { sequence: string }).sequence);
    expect(sequences).toEqual([event(1), event(2), event(8)].map(({ sequence }) => sequence));
    expect(api?.received[2]?.url).toContain(`after=${event(7).sequence}`);
  });

  it('ends after --limit', async () => {
    const run = await cli('events --limit 1 --json', {
      'GET /v1/events': { events: [event(1), event(2)], next: event(2).sequence, end: false },
    });
    expect(run.stdout.trim().split('\n')).toHaveLength(1);
  });

  it('follows on from where a lost stream broke off', async () => {
    const stop = new AbortController();
    let opened = 0;
    const run = await cli(
      'events -f --json',
      {
        'GET /v1/events/stream': (response) => {
          opened += 1;
          response.writeHead(200, { 'Content-Type': 'text/event-stream' });
          const next = event(opened);
          response.write(
            `id: ${next.sequence}\nevent: ${next.type}\ndata: ${JSON.stringify(next)}\n\n`,
          );
          if (opened < 2) setTimeout(() => response.destroy(), 20);
          else setTimeout(() => stop.abort(new Error('Ctrl-C')), 50);
        },
      },
      { signal: stop.signal },
    );
    expect(run.code).toBe(130);
    expect(run.stdout.trim().split('\n')).toHaveLength(2);
    expect(api?.received[1]?.url).toBe(`/v1/events/stream?after=${event(1).sequence}`);
  });

  it('misses nothing when the stream is lost before its first event', async () => {
    const stop = new AbortController();
    let opened = 0;
    await cli(
      'events -f --json',
      {
        'GET /v1/events/stream': (response) => {
          opened += 1;
          response.writeHead(200, { 'Content-Type': 'text/event-stream' });
          response.write(`retry: 1000\nid: ${event(5).sequence}\n\n`);
          if (opened < 2) setTimeout(() => response.destroy(), 20);
          else setTimeout(() => stop.abort(new Error('Ctrl-C')), 50);
        },
      },
      { signal: stop.signal },
    );
    expect(api?.received[1]?.url).toBe(`/v1/events/stream?after=${event(5).sequence}`);
  });

  it('refuses what is no sequence', async () => {
    expect((await cli('events --after yesterday', {})).code).toBe(2);
  });
});

describe('tokens', () => {
  it('prints the token alone on stdout', async () => {
    const run = await cli('tokens create ci --expires 90d', {
      'POST /v1/tokens': {
        id: 't-1',
        name: 'ci',
        token: 'shp_new',
        expiresAt: null,
        sequence: SEQUENCE,
      },
    });
    expect(run.stdout).toBe('shp_new\n');
    expect(bodyOf(0)).toEqual({ name: 'ci', expiresInDays: 90 });
  });

  it('says that a token whose text got lost cannot be shown again', async () => {
    const run = await cli('tokens create ci', {
      'POST /v1/tokens': {
        id: 't-1',
        name: 'ci',
        token: null,
        expiresAt: null,
        sequence: SEQUENCE,
      },
    });
    expect(run.code).toBe(7);
    expect(run.stderr).toContain('shiplog tokens revoke t-1');
  });
});

describe('git remote', () => {
  const repository = async (): Promise<string> => {
    const cwd = await mkdtemp(join(tmpdir(), 'shiplog-git-'));
    execFileSync('git', ['init', '-q', '-b', 'main'], { cwd });
    return cwd;
  };
  const config = (cwd: string, key: string): string[] =>
    execFileSync('git', ['config', '--local', '--get-all', key], { cwd, encoding: 'utf8' })
      .split('\n')
      .slice(0, -1);

  it('adds the remote and a helper for that server only, and then the app is known', async () => {
    const cwd = await repository();
    const run = await cli('git remote -a shop', { 'GET /v1/apps/shop': shop }, { cwd });
    expect(run.stdout).toContain('git push shiplog main');
    expect(config(cwd, 'remote.shiplog.url')).toEqual([shop.gitUrl]);
    expect(config(cwd, 'credential.http://127.0.0.1:4600.helper')).toEqual([
      '',
      "!'/opt/ship log/shiplog' git-credential",
    ]);
    const again = await cli('git remote -a shop', { 'GET /v1/apps/shop': shop }, { cwd });
    expect(again.code).toBe(0);
    const ps = await cli('ps --json', { 'GET /v1/apps/shop/instances': [] }, { cwd });
    expect(ps.stdout).toBe('[]\n');
  });

  it('is reached directly where it is on this machine, whatever proxy the environment names', async () => {
    const cwd = await repository();
    await cli('git remote -a shop', { 'GET /v1/apps/shop': shop }, { cwd });
    expect(config(cwd, 'remote.shiplog.proxy')).toEqual(['']);
    const gitUrl = 'https://paas.example.com/git/shop.git';
    const elsewhere = { 'GET /v1/apps/shop': { ...shop, gitUrl } };
    await cli('git remote -a shop --name far', elsewhere, { cwd });
    expect(() => config(cwd, 'remote.far.proxy')).toThrow();
  });

  it('leaves a remote of somebody else alone', async () => {
    const cwd = await repository();
    execFileSync('git', ['remote', 'add', 'shiplog', 'git@github.com:me/x.git'], { cwd });
    const run = await cli('git remote -a shop', { 'GET /v1/apps/shop': shop }, { cwd });
    expect(run.code).toBe(5);
    expect(run.stderr).toContain('--name');
  });

  it('takes nothing but an address from the server', async () => {
    const cwd = await repository();
    const run = await cli(
      'git remote -a shop',
      { 'GET /v1/apps/shop': { ...shop, gitUrl: 'ext::sh -c touch% /tmp/x' } },
      { cwd },
    );
    expect(run.code).toBe(1);
    expect(() => config(cwd, 'remote.shiplog.url')).toThrow();
  });

  it('says that it is no repository', async () => {
    const cwd = await mkdtemp(join(tmpdir(), 'shiplog-none-'));
    const run = await cli('git remote -a shop', { 'GET /v1/apps/shop': shop }, { cwd });
    expect(run.code).toBe(2);
    expect(run.stderr).toContain('git init');
  });
});

describe('the rest of the platform', () => {
  it('doctor tells what failed and what to do, and ends with 1', async () => {
    const down = { state: 'failed', summary: 'down', remedy: 'start it' };
    const finding = { name: 'router', group: 'processes', ...down };
    const well = { name: 'gc', group: 'processes', state: 'ok', summary: 'is there', remedy: null };
    const run = await cli('doctor', {
      'GET /v1/doctor': { ok: false, durability: 'disk', findings: [finding, well] },
    });
    expect(run.code).toBe(1);
    expect(run.stdout).toContain(
      '\n\nProcesses\n  ✗ router  down\n            → start it\n  ✓ gc      is there\n\n',
    );
    expect(run.stdout).toMatch(/1 failed, 0 to look at, 2 fine\.\n$/);
  });

  it('doctor works without a server', async () => {
    const run = await runCli(['doctor', '--json']);
    expect(run.code).toBe(6);
    expect(JSON.parse(run.stdout)).toMatchObject({ ok: false });
    expect(run.stderr).toBe('');
  });

  it('gc policy changes only what is named', async () => {
    const policy = { exitedKept: 3, minimumAgeSeconds: 600 };
    await cli('gc policy --minimum-age 1h', {
      'GET /v1/gc/policy': policy,
      'PUT /v1/gc/policy': { ...policy, sequence: SEQUENCE },
    });
    expect(bodyOf(1)).toEqual({ exitedKept: 3, minimumAgeSeconds: 3600 });
  });

  const masterKey = { id: 'mk_1', createdAt: '2026-11-20T10:00:00.000Z', file: '/m/master.key' };

  it('keys list shows ids and ages', async () => {
    const key = { kind: 'app', id: 'a1', name: 'shop', masterKeyId: 'mk_1', createdAt: null };
    const run = await cli('keys list', {
      'GET /v1/keys': { masterKey, rotatingTo: null, keys: [key, { ...key, name: null }] },
    });
    expect(run.code).toBe(0);
    expect(run.stdout).toMatch(/^Master key +mk_1\nMade .*\nFile +\/m\/master.key\n\n/);
    expect(run.stdout).toMatch(/app shop +mk_1/);
    expect(run.stdout).toMatch(/app a1 +mk_1/);
  });

  it('keys rotate says what took the place of what, and fails where it is not done yet', async () => {
    const rotated = { sequence: SEQUENCE, masterKeyId: 'mk_2', previousMasterKeyId: 'mk_1' };
    const route = 'POST /v1/keys/rotate';
    const run = await cli('keys rotate -m yearly', {
      [route]: { ...rotated, keys: 2, done: true },
    });
    expect(run).toMatchObject({
      code: 0,
      stdout: 'Master key mk_2 wraps 2 keys; mk_1 is forgotten.\n',
    });
    const late = await cli('keys rotate', { [route]: { ...rotated, keys: 2, done: false } });
    expect(late).toMatchObject({ code: 1, stdout: '' });
    expect(late.stderr).toContain('mk_2 was requested and is not in its place yet');
  });

  it('version is known without a server', async () => {
    const run = await runCli(['version', '--json']);
    expect(run).toMatchObject({ code: 0, stdout: '{"client":"0.1.0","server":null}\n' });
  });

  it('down has nothing to do when nothing runs', async () => {
    const run = await runCli(['down', '--json']);
    expect(run).toMatchObject({ code: 0, stdout: '{"stopped":false,"apps":[]}\n' });
  });

  it('down --apps does not say that a killed platform is down while its proxy runs', async () => {
    const home = await mkdtemp(join(tmpdir(), 'shiplog-down-'));
    const args = ['-e', 'setInterval(() => {}, 1000)', join(home, 'platform/router/haproxy.cfg')];
    const proxy = spawn(process.execPath, args, { argv0: 'haproxy', stdio: 'ignore' });
    await once(proxy, 'spawn');
    try {
      expect(await runCli(['down'], { home })).toMatchObject({ code: 0, stderr: '' });
      const run = await runCli(['down', '--apps'], { home });
      expect(run).toMatchObject({ code: 6, stdout: '' });
      expect(run.stderr).toContain(`haproxy (process ${proxy.pid}) of it goes on`);
      expect(run.stderr).toContain('npm start');
      expect(proxy.exitCode).toBeNull();
    } finally {
      proxy.kill();
    }
  });
});

describe('completion', () => {
  it.each(['bash', 'zsh', 'fish'])('of %s is a script that asks the program', async (shell) => {
    const { code, stdout } = await runCli(['completion', shell]);
    expect(code).toBe(0);
    expect(stdout).toContain('shiplog __complete -- ');
  });

  it('knows shells that it does not know', async () => {
    expect((await runCli(['completion', 'tcsh'])).code).toBe(2);
  });

  const candidates = async (words: readonly string[], routes: Routes = {}): Promise<string[]> => {
    const run = await cli(['__complete', '--', ...words], routes);
    return run.stdout.split('\n').slice(0, -1);
  };

  it('knows commands, verbs, options and apps', async () => {
    expect(await candidates(['dep'])).toEqual(['deploy', 'deploys']);
    expect(await candidates(['apps', ''])).toEqual(['create', 'list', 'show', 'destroy']);
    expect(await candidates(['deploy', '--i'])).toEqual(['--image']);
    expect(await candidates(['scale', '--no'])).toEqual(['--no-wait']);
    expect(await candidates(['ps', '-a', 's'], { 'GET /v1/apps': [shop] })).toEqual(['shop']);
    expect(await candidates(['apps', 'show', ''], { 'GET /v1/apps': [shop] })).toEqual(['shop']);
  });

  it('is silent when the server is not there', async () => {
    const run = await runCli(['__complete', '--', 'ps', '-a', '']);
    expect(run).toEqual({ code: 0, stdout: '', stderr: '' });
  });
});
