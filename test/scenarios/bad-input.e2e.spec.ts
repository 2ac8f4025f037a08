import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectEngine } from '@shiplog/engine';
import { callApi, type ApiAnswer, type ApiRequest } from '../support/api.js';
import { makeNoShellImage } from '../support/apps/no-shell/image.js';
import { Observer } from '../support/observer.js';
import { freePort, ROOT, runProgram, TestPlatform } from '../support/platform.js';

const IMAGE = ['shiplog-test/bad-input', 'one'] as const;

/** Appears on this machine if anything that was typed ever reaches a shell. */
const MARK = `/tmp/shiplog-reached-a-shell-${randomUUID()}`;

/** None of these is a name, a host, a path, a number or an id of anything. */
const MEAN = [
  `x;touch ${MARK}`,
  `$(touch ${MARK})`,
  `\`touch ${MARK}\``,
  `x | touch ${MARK}`,
  `x' "; touch ${MARK} #`,
  `--upload-pack=touch ${MARK}`,
  'two\nlines',
  'two\r\nHost: other',
  'a b',
  '../../../etc/passwd',
  '%0a%2e%2e',
  '\u2028\u202e',
  '{} %[src] $host',
  'X'.repeat(300),
];

type Asked = readonly [method: string, path: string, request?: ApiRequest];

/** Every field that a caller can fill, with something in it that does not belong there. */
const FIELDS: Readonly<Record<string, (mean: string) => Asked>> = {
  'name of a new app': (name) => ['POST', '/v1/apps', { body: { name } }],
  'name of an app': (name) => ['GET', `/v1/apps/${encodeURIComponent(name)}`],
  'confirmed name': (name) => ['DELETE', `/v1/apps/hello?confirm=${encodeURIComponent(name)}`],
  'config key': (key) => ['PATCH', '/v1/apps/hello/config', { body: { set: { [key]: 'x' } } }],
  'config key to unset': (key) => ['PATCH', '/v1/apps/hello/config', { body: { unset: [key] } }],
  'config key to show': (key) => ['GET', `/v1/apps/hello/config/${encodeURIComponent(key)}`],
  'process type': (type) => ['PATCH', '/v1/apps/hello/formation', { body: { [type]: 1 } }],
  'instance count': (web) => ['PATCH', '/v1/apps/hello/formation', { body: { web } }],
  'health path': (healthPath) => ['PATCH', '/v1/apps/hello/settings', { body: { healthPath } }],
  'memory limit': (memoryBytes) => ['PATCH', '/v1/apps/hello/settings', { body: { memoryBytes } }],
  domain: (host) => ['PUT', `/v1/apps/hello/domains/${encodeURIComponent(host)}`],
  'domain to remove': (host) => ['DELETE', `/v1/apps/hello/domains/${encodeURIComponent(host)}`],
  image: (ref) => ['POST', '/v1/apps/hello/builds', { body: { source: { kind: 'image', ref } } }],
  'source digest': (digest) => [
    'POST',
    '/v1/apps/hello/builds',
    { body: { source: { kind: 'archive', digest } } },
  ],
  commit: (commit) => [
    'POST',
    '/v1/apps/hello/builds',
    { body: { source: { kind: 'archive', digest: `sha256:${'0'.repeat(64)}`, commit } } },
  ],
  'release to roll back to': (version) => [
    'POST',
    '/v1/apps/hello/rollback',
    { body: { version } },
  ],
  release: (version) => ['GET', `/v1/apps/hello/releases/${encodeURIComponent(version)}`],
  build: (id) => ['GET', `/v1/apps/hello/builds/${encodeURIComponent(id)}`],
  'build to cancel': (id) => ['POST', `/v1/apps/hello/builds/${encodeURIComponent(id)}/cancel`],
  deploy: (id) => ['GET', `/v1/apps/hello/deploys/${encodeURIComponent(id)}`],
  'deploy to cancel': (id) => ['POST', `/v1/apps/hello/deploys/${encodeURIComponent(id)}/cancel`],
  moment: (at) => ['GET', `/v1/apps/hello?at=${encodeURIComponent(at)}`],
  'place in the log': (after) => ['GET', `/v1/events?after=${encodeURIComponent(after)}`],
  'number of lines': (tail) => ['GET', `/v1/apps/hello/logs?tail=${encodeURIComponent(tail)}`],
  'token to revoke': (id) => ['DELETE', `/v1/tokens/${encodeURIComponent(id)}`],
  'name of a read model': (name) => ['POST', '/v1/rebuild', { body: { name } }],
  'garbage policy': (exitedKept) => ['PUT', '/v1/gc/policy', { body: { exitedKept } }],
  'days of a git URL': (expiresInDays) => [
    'POST',
    '/v1/apps/hello/git-url',
    { body: { expiresInDays } },
  ],
  'unknown field': (field) => ['POST', '/v1/apps', { body: { name: 'other', [field]: 1 } }],
  address: (path) => ['GET', `/v1/${encodeURIComponent(path)}`],
  revision: (revision) => [
    'PATCH',
    '/v1/apps/hello/formation',
    { body: { web: 2 }, headers: { 'if-match': encodeURIComponent(revision) } },
  ],
  'idempotency key': (key) => [
    'PATCH',
    '/v1/apps/hello/formation',
    { body: { web: 2 }, headers: { 'idempotency-key': encodeURIComponent(key).repeat(200) } },
  ],
  token: (token) => ['GET', '/v1/apps', { token: encodeURIComponent(token) }],
};

/** What a person types, the exit code, and what the error says. */
const COMMANDS: readonly (readonly [readonly string[], number, RegExp])[] = [
  [['apps', 'create', 'Bad_Name'], 2, /lower-case letters, digits and "-"/],
  [['apps', 'create', ''], 2, /lower-case letters/],
  [['apps', 'create', 'hello'], 5, /"hello" is taken/],
  [['apps', 'show', 'nobody'], 3, /no app "nobody"/],
  [['ps', '-a', 'nobody'], 3, /no app "nobody"/],
  [['scale', '-a', 'nobody', 'web=1'], 3, /no app "nobody"/],
  [['scale', '-a', 'hello', 'web=-1'], 2, /"-1" is not a number of instances/],
  [['scale', '-a', 'hello', 'web=1000000000'], 4, /above the limit of \d+/],
  [['scale', '-a', 'hello', 'other=1'], 4, /other/],
  [['config', 'set', '-a', 'hello', '1X=y'], 2, /not starting with a digit/],
  [['config', 'get', '-a', 'hello', 'NOPE'], 3, /NOPE is not set/],
  [['domains', 'add', '-a', 'hello', 'not a host'], 2, /is no domain/],
  [['domains', 'add', '-a', 'hello', 'www.example.com'], 5, /www\.example\.com/],
  [['domains', 'add', '-a', 'hello', 'other.localhost'], 4, /other\.localhost/],
  [['deploy', '-a', 'hello', '--image', 'x;id'], 2, /image reference/],
  [['deploy', '-a', 'hello', '/no/such/folder'], 2, /not a directory/],
  [['rollback', '-a', 'hello', '99'], 3, /v99/],
  [['settings', 'set', '-a', 'hello', 'nope=1'], 2, /no setting "nope"/],
  [['exec', '-a', 'hello', 'nobody', '--', 'ls'], 3, /no running instance "nobody"/],
  [['ps', '-a', 'hello', '--at', 'tomorrow'], 2, /not a moment/],
  [['apps', 'destroy', 'hello', '--confirm', 'other'], 4, /confirm/],
  [['frobnicate'], 2, /unknown command/],
  [['ps', '--frobnicate'], 2, /unknown option/],
];

describe('bad input', () => {
  let platform: TestPlatform;
  let observer: Observer;
  let head: string;
  beforeAll(async () => {
    await makeNoShellImage(connectEngine(), ...IMAGE);
    platform = await TestPlatform.start({ name: 'bad' });
    for (const app of ['hello', 'other']) await platform.json(['apps', 'create', app]);
    await platform.json(['deploy', '-a', 'hello', '--image', IMAGE.join(':')]);
    await platform.json(['domains', 'add', '-a', 'other', 'www.example.com']);
    observer = await Observer.open(platform);
    head = await observer.head();
  });
  afterAll(async () => {
    await observer.close();
    await platform.destroy();
  });

  const expectProblem = (answer: ApiAnswer, what: string): void => {
    const { status, body } = answer;
    expect(answer.headers.get('content-type'), what).toContain('application/problem+json');
    expect(status, what).toBeGreaterThanOrEqual(400);
    expect(status, what).toBeLessThan(500);
    expect(body, what).toMatchObject({ status, code: expect.any(String) as string });
    expect(String(body['detail']), what).toMatch(/^[^\p{Cc}]{10,}$/u);
  };
  const expectNothingChanged = async (): Promise<void> => {
    expect(await observer.changesAfter(head)).toEqual([]);
    expect(existsSync(MARK)).toBe(false);
  };

  it.each(Object.entries(FIELDS))('is refused in every field: %s', async (field, ask) => {
    for (const mean of MEAN) {
      const [method, path, request] = ask(mean);
      expectProblem(await callApi(platform, method, path, request), `${field}: ${mean}`);
    }
    await expectNothingChanged();
  });

  it.each(COMMANDS)('ends a command with one clear error: %j, exit code %i', async (...row) => {
    const [args, code, said] = row;
    const result = await platform.cli(args);
    expect(result.stderr).toMatch(said);
    expect(result.code).toBe(code);
    expect(result.stdout).toBe('');
    expect(result.stderr.match(/^Error: /gm)).toHaveLength(1);
    expect(result.stderr).not.toMatch(/^\s+at /m);
    await expectNothingChanged();
  });

  it('refuses a body that is not JSON, 10 MB, deep, of another type, or not UTF-8', async () => {
    const deep = `{"name":${'['.repeat(5000)}${']'.repeat(5000)}}`;
    const bodies: readonly (readonly [string | Uint8Array, number, Record<string, string>?])[] = [
      ['{"name": "x"', 400],
      ['name=x', 400],
      [Buffer.alloc(10 * 1024 * 1024, 'x'), 413],
      [deep, 400],
      ['{"name":"x"}', 415, { 'content-type': 'text/plain' }],
      [Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), 400],
      ['["x"]', 422],
      ['{"name":"x","__proto__":{"administrator":true}}', 422],
    ];
    for (const [bytes, status, headers = {}] of bodies) {
      const answer = await callApi(platform, 'POST', '/v1/apps', { bytes, headers });
      expectProblem(answer, String(bytes).slice(0, 40));
      expect(answer.status).toBe(status);
    }
    await expectNothingChanged();
  });

  it('refuses a wrong token, and a scale of -1 and a thousand million, by the API too', async () => {
    const denied = await callApi(platform, 'GET', '/v1/apps', { token: `shp_${'x'.repeat(43)}` });
    expect(denied.status).toBe(401);
    for (const web of [-1, 1e9, 1.5, '3', null]) {
      const answer = await callApi(platform, 'PATCH', '/v1/apps/hello/formation', {
        body: { web },
      });
      expectProblem(answer, String(web));
      expect(answer.status).toBe(422);
    }
    const env = { ...platform.env, SHIPLOG_URL: platform.apiUrl, SHIPLOG_TOKEN: 'shp_wrong' };
    const cli = await runProgram(`${ROOT}/shiplog`, ['apps', 'list'], { env });
    expect(cli.code).toBe(4);
    const nowhere = { ...env, SHIPLOG_URL: `http://127.0.0.1:${await freePort()}` };
    expect((await runProgram(`${ROOT}/shiplog`, ['apps', 'list'], { env: nowhere })).code).toBe(6);
    await expectNothingChanged();
  });

  it.each([
    ['SHIPLOG_API_PORT', 'API'],
    ['SHIPLOG_ROUTER_PORT', 'router'],
    ['SHIPLOG_NATS_PORT', 'nats'],
  ])('names the variable when a port is taken: %s', async (variable) => {
    const taken = await listenSomewhere();
    const other = await TestPlatform.create({
      name: 'taken',
      env: { [variable]: String(taken.port) },
    });
    const start = runProgram(process.execPath, [`${ROOT}/scripts/start.cjs`, '--no-sample'], {
      cwd: ROOT,
      env: other.env,
    });
    const result = await start;
    taken.server.close();
    const leftBehind = await other.daemons();
    await other.destroy();
    expect(leftBehind).toEqual([]);
    expect(result.code).toBe(1);
    expect(result.stderr).toContain(variable);
    expect(result.stderr).toContain(String(taken.port));
    expect(result.stderr).not.toMatch(/^\s+at /m);
  });

  it('does no harm where any text is right: it arrives as it was typed', async () => {
    const value = MEAN.join('\n');
    await platform.json([
      'config',
      'set',
      '-a',
      'hello',
      `MEAN=${value}`,
      '-m',
      `why; touch ${MARK}`,
    ]);
    const [container] = await platform.containers('hello');
    const running = await connectEngine()
      .getContainer(container?.Id ?? '')
      .inspect();
    expect(running.Config.Env).toContain(`MEAN=${value}`);
    expect(await platform.json(['config', 'get', '-a', 'hello', 'MEAN'])).toMatchObject({ value });
    expect(existsSync(MARK)).toBe(false);
  });
});

const listenSomewhere = async (): Promise<{ server: Server; port: number }> => {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  return { server, port: typeof address === 'object' ? (address?.port ?? 0) : 0 };
};
