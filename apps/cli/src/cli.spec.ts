import { afterEach, describe, expect, it } from 'vitest';
import {
  sendJson,
  sendLines,
  sendProblem,
  startFakeApi,
  type FakeApi,
  type Routes,
} from './testing/fake-api.js';
import { SEQUENCE, shop, web1, wrongAddress } from './testing/fixtures.js';
import { runCli, type RunOptions } from './testing/run-cli.js';

let api: FakeApi | undefined;
afterEach(async () => {
  await api?.close();
  api = undefined;
});

const cli = async (argv: string, routes: Routes, options: RunOptions = {}) => {
  api = await startFakeApi(routes);
  return runCli(argv.split(' '), { url: api.url, ...options });
};

describe('what scripts rely on', () => {
  it('prints one JSON document on stdout and nothing else', async () => {
    const run = await cli('ps -a shop --json', { 'GET /v1/apps/shop/instances': [web1] });
    expect(run).toEqual({ code: 0, stdout: `${JSON.stringify([web1])}\n`, stderr: '' });
  });

  it('takes --json and -a before the command, too', async () => {
    const run = await cli('--json -a shop ps', { 'GET /v1/apps/shop/instances': [] });
    expect(run).toEqual({ code: 0, stdout: '[]\n', stderr: '' });
  });

  it('prints errors as problem+json on stderr and nothing on stdout', async () => {
    const run = await cli('ps -a nope --json', {
      'GET /v1/apps/nope/instances': (response) =>
        sendProblem(response, 404, 'app-not-found', 'There is no app "nope".'),
      'GET /v1/apps': [],
    });
    expect(run.stdout).toBe('');
    expect(run.code).toBe(3);
    expect(JSON.parse(run.stderr)).toMatchObject({
      code: 'app-not-found',
      status: 404,
      exitCode: 3,
    });
  });

  it('prints usage errors of its own parser as problem+json, too', async () => {
    const run = await runCli(['ps', '--json', '--bogus']);
    expect(run.code).toBe(2);
    expect(run.stdout).toBe('');
    expect(JSON.parse(run.stderr)).toMatchObject({
      code: 'usage',
      detail: "unknown option '--bogus'",
    });
  });

  it.each([
    [400, 'invalid-input', 2],
    [422, 'invalid-body', 2],
    [404, 'app-not-found', 3],
    [401, 'unauthenticated', 4],
    [403, 'not-administrator', 4],
    [422, 'instance-count-above-limit', 4],
    [413, 'body-too-large', 4],
    [409, 'nothing-deployed', 5],
    [412, 'revision-conflict', 5],
    [503, 'log-unavailable', 6],
    [503, 'outcome-unknown', 7],
    [502, 'worker-failed', 1],
    [507, 'storage-full', 1],
    [500, 'internal', 1],
  ])('ends for HTTP %i %s with exit code %i', async (status, code, exitCode) => {
    const run = await cli(
      'scale web=3 -a shop',
      { 'PATCH /v1/apps/shop/formation': (response) => sendProblem(response, status, code, 'No.') },
      { isImpatient: true },
    );
    expect(run.code).toBe(exitCode);
    expect(run.stderr).toMatch(/^Error: No\./);
  });

  it('names what may hold the token that is not valid', async () => {
    const run = await cli('apps list', {
      'GET /v1/apps': (response) => sendProblem(response, 401, 'unauthenticated', 'No.'),
    });
    expect(run.code).toBe(4);
    expect(run.stderr).toContain('shiplog login');
    expect(run.stderr).toContain('SHIPLOG_TOKEN');
  });

  it('ends with 6 when nobody listens', async () => {
    const { url, close } = await startFakeApi({});
    await close();
    const run = await runCli(['apps', 'list'], { url, isImpatient: true });
    expect(run.code).toBe(6);
    expect(run.stderr).toContain('ECONNREFUSED');
    expect(run.stderr).toContain('npm start');
  });

  it('ends with 7 when a change was sent and no answer ever came', async () => {
    const run = await cli(
      'apps create shop',
      { 'POST /v1/apps': (response) => response.destroy() },
      { isImpatient: true },
    );
    expect(run.code).toBe(7);
    expect(run.stderr).toContain('shiplog events');
  });

  it('ends with 6, not 7, when a look was not answered', async () => {
    const run = await cli(
      'apps list',
      { 'GET /v1/apps': (response) => response.destroy() },
      { isImpatient: true },
    );
    expect(run.code).toBe(6);
  });

  it('says that the address is not that of a Shiplog', async () => {
    const run = await cli('apps list', {
      'GET /v1/apps': (response) => response.writeHead(200).end('<html>hello</html>'),
    });
    expect(run.code).toBe(6);
    expect(run.stderr).toContain('is it the address of a Shiplog API?');
  });
});

describe('a change', () => {
  it('sends the same Idempotency-Key again after a lost connection', async () => {
    let attempts = 0;
    const run = await cli('apps create shop', {
      'POST /v1/apps': (response) => {
        attempts += 1;
        if (attempts < 3) response.destroy();
        else sendJson(response, 201, { ...shop, sequence: SEQUENCE });
      },
    });
    expect(run.code).toBe(0);
    const keys = api?.received.map(({ headers }) => headers['idempotency-key']);
    expect(keys).toHaveLength(3);
    expect(new Set(keys).size).toBe(1);
    expect(keys?.[0]).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('sends the reason encoded, so that a header carries any text', async () => {
    api = await startFakeApi({ 'POST /v1/apps': { ...shop, sequence: SEQUENCE } });
    const argv = ['apps', 'create', 'shop', '-m', 'für\r\nEvil: 1'];
    expect((await runCli(argv, { url: api.url })).code).toBe(0);
    const headers = api.received[0]?.headers;
    expect(headers?.['shiplog-reason']).toBe('f%C3%BCr%0D%0AEvil%3A%201');
    expect(headers?.['evil']).toBeUndefined();
  });

  const scaled = { sequence: SEQUENCE, formation: { web: 3 } };

  it('waits until it is settled and shows steps on stderr, the result on stdout', async () => {
    const run = await cli('scale web=3 -a shop', {
      'PATCH /v1/apps/shop/formation': scaled,
      'GET /v1/apps/shop/progress': (response) =>
        sendLines(response, [
          { kind: 'step', text: 'web i-1: started', at: '2026-11-21T12:00:00Z' },
          { kind: 'step', text: 'web i-1: ready', at: '2026-11-21T12:00:04Z' },
          { kind: 'done', text: 'shop: web=3', at: '2026-11-21T12:00:05Z' },
        ]),
    });
    expect(run).toEqual({
      code: 0,
      stdout: 'shop: web=3\n',
      stderr: '✓ web i-1: started\n✓ web i-1: ready  4 s\n',
    });
    expect(api?.received[1]?.url).toBe(`/v1/apps/shop/progress?settled=${SEQUENCE}`);
  });

  it('takes the clock away before it says that it waits no longer', async () => {
    const stop = new AbortController();
    const { code, stderr } = await cli(
      'restart -a shop',
      {
        'POST /v1/apps/shop/restart': { sequence: SEQUENCE },
        'GET /v1/apps/shop/progress': () => setTimeout(() => stop.abort(), 1_100),
      },
      { isTerminal: true, signal: stop.signal },
    );
    expect(code).toBe(130);
    expect(stderr).toContain('… 0 s');
    expect(stderr).toContain('\r\u001b[KNo longer waiting; the change goes on.');
  });

  it.each([
    ['add', 'PUT', 'www.example.com leads to shop now.'],
    ['remove', 'DELETE', 'www.example.com is free; shop answers there no more.'],
  ])('tells what became of a domain: %s', async (verb, method, said) => {
    const run = await cli(`domains ${verb} www.example.com -a shop`, {
      [`${method} /v1/apps/shop/domains/www.example.com`]: {
        sequence: SEQUENCE,
        host: 'www.example.com',
        ownership: { status: 'not-demanded', record: null },
      },
      'GET /v1/apps/shop/progress': (response) =>
        sendLines(response, [{ kind: 'done', text: 'shop: web=1', at: '2026-11-21T12:00:00Z' }]),
    });
    expect(run).toEqual({ code: 0, stdout: `${said}\n`, stderr: '' });
  });

  it('returns at once with --no-wait', async () => {
    const run = await cli('scale web=3 -a shop --no-wait --json', {
      'PATCH /v1/apps/shop/formation': scaled,
    });
    expect(JSON.parse(run.stdout)).toEqual({ ...scaled, settled: false });
    expect(api?.received).toHaveLength(1);
  });

  it('opens a lost progress stream again and shows no line twice', async () => {
    let opened = 0;
    const step = (text: string) => ({ kind: 'step', text, at: '2026-11-21T12:00:00Z' });
    const run = await cli('restart -a shop', {
      'POST /v1/apps/shop/restart': { sequence: SEQUENCE },
      'GET /v1/apps/shop/progress': (response) => {
        opened += 1;
        if (opened === 1) return sendLines(response, [step('one'), step('one')]);
        sendLines(response, [
          step('one'),
          step('one'),
          step('two'),
          { kind: 'done', text: 'live', at: '2026-11-21T12:00:00Z' },
        ]);
      },
    });
    expect(run.stderr).toBe('✓ one\n✓ one\n✓ two\n');
    expect(run.code).toBe(0);
  });

  const failed = (response: Parameters<typeof sendLines>[0]): void =>
    sendLines(response, [
      {
        kind: 'failed',
        text: wrongAddress.summary,
        at: '2026-11-21T12:00:00Z',
        explanation: wrongAddress,
        deployId: 'd-1',
      },
    ]);

  it('explains a failure whole and ends with 1', async () => {
    const run = await cli('restart -a shop', {
      'POST /v1/apps/shop/restart': { sequence: SEQUENCE },
      'GET /v1/apps/shop/progress': failed,
    });
    expect(run.code).toBe(1);
    expect(run.stderr).toBe(`Error: web listens on 127.0.0.1:3000; bind 0.0.0.0 or set --port
  Tried       TCP connection to port 8080 for 60 s
  Got         connection refused
  Listens on  127.0.0.1:3000
  Instance    i-bbbb22
  Code        wrong-address
  Last lines
    | listening on 3000
    | ready
  What to do: Bind 0.0.0.0, or: shiplog settings set port=3000
`);
  });

  it('explains a failure to programs, too', async () => {
    const run = await cli('restart -a shop --json', {
      'POST /v1/apps/shop/restart': { sequence: SEQUENCE },
      'GET /v1/apps/shop/progress': failed,
    });
    expect(run.stdout).toBe('');
    expect(JSON.parse(run.stderr)).toMatchObject({
      code: 'wrong-address',
      exitCode: 1,
      deployId: 'd-1',
      explanation: wrongAddress,
    });
  });
});

describe('hostile names and texts', () => {
  it('keeps a name one segment of the path', async () => {
    api = await startFakeApi({});
    const run = await runCli(['ps', '-a', '../../x?a=b#c\n'], { url: api.url });
    expect(run.code).toBe(3);
    expect(api.received[0]?.url).toBe('/v1/apps/..%2F..%2Fx%3Fa%3Db%23c%0A/instances');
  });

  it.each(['.', '..', '', ' '])(
    'refuses "%s" as the name of an app before it asks',
    async (name) => {
      api = await startFakeApi({});
      const run = await runCli(['apps', 'show', name], { url: api.url });
      expect(run.code).toBe(2);
      expect(api.received).toEqual([]);
    },
  );

  it('refuses ".." as an id before it asks', async () => {
    api = await startFakeApi({});
    const run = await runCli(['builds', 'cancel', '..', '-a', 'shop'], { url: api.url });
    expect(run.code).toBe(2);
    expect(api.received).toEqual([]);
  });

  it('takes control characters of the server out of what a terminal gets', async () => {
    const evil = '\u001b]0;owned\u0007\u001b[2Jshop\u009b31m\r\u202ex';
    const run = await cli('apps list', {
      'GET /v1/apps': [{ ...shop, name: evil, createdBy: 'a\nb' }],
    });
    expect(run.stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(run.stdout).toContain('shop');
    expect(run.stdout.trimEnd().split('\n')).toHaveLength(2);
  });

  it('takes them out of error texts, too', async () => {
    const run = await cli('apps list', {
      'GET /v1/apps': (response) => sendProblem(response, 403, 'x', 'no\u001b[2J way'),
    });
    expect(run.stderr).toBe('Error: no way\n');
  });
});

describe('suggestions', () => {
  it('names a similar command', async () => {
    const run = await runCli(['scael', 'web=1']);
    expect(run.code).toBe(2);
    expect(run.stderr).toContain('Did you mean scale?');
  });

  it('names a similar app and where apps are listed', async () => {
    const run = await cli('ps -a shpo', {
      'GET /v1/apps/shpo/instances': (response) =>
        sendProblem(response, 404, 'app-not-found', 'There is no app "shpo".'),
      'GET /v1/apps': [shop],
    });
    expect(run.code).toBe(3);
    expect(run.stderr).toContain('Did you mean shop?');
    expect(run.stderr).toContain('shiplog apps list');
  });

  it('says how to name an app when none is named', async () => {
    const run = await runCli(['ps'], { url: 'http://127.0.0.1:1' });
    expect(run.code).toBe(2);
    expect(run.stderr).toContain('-a APP');
  });

  it('says that -- belongs before a command with options', async () => {
    const run = await runCli(['run', 'ls', '-la'], { url: 'http://127.0.0.1:1' });
    expect(run.code).toBe(2);
    expect(run.stderr).toContain('Put -- before the command');
  });

  it.each(['web=-1', 'web=x', 'web=1.5', 'web', '=3', 'web=', 'web=1 web=2'])(
    'refuses scale %s without asking the server',
    async (words) => {
      const run = await runCli(['scale', ...words.split(' '), '-a', 'shop'], {
        url: 'http://127.0.0.1:1',
      });
      expect(run.code).toBe(2);
    },
  );
});
