import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocketServer, type WebSocket } from 'ws';
import { main, type Io } from '../index.js';
import { startFakeApi, type FakeApi, type Routes } from '../testing/fake-api.js';
import { web1 } from '../testing/fixtures.js';
import { runCli } from '../testing/run-cli.js';

let api: FakeApi | undefined;
let sockets: WebSocketServer | undefined;
afterEach(async () => {
  for (const socket of sockets?.clients ?? []) socket.terminate();
  sockets?.close();
  await api?.close();
  api = undefined;
});

interface Opened {
  readonly url: string;
  readonly authorization: string | undefined;
  readonly request: unknown;
}

/** Answers the WebSocket at any path as `serve` says, and remembers how it was opened. */
const start = async (
  serve: (socket: WebSocket) => void,
  routes: Routes = { 'GET /v1/apps/shop/instances': [web1] },
): Promise<{ url: string; opened: Opened[] }> => {
  api = await startFakeApi(routes);
  const opened: Opened[] = [];
  sockets = new WebSocketServer({ server: api.server });
  sockets.on('connection', (socket, { url = '', headers }) => {
    socket.once('message', (data: Buffer) => {
      const request = JSON.parse(data.toString()) as unknown;
      opened.push({ url, authorization: headers.authorization, request });
      serve(socket);
    });
  });
  return { url: api.url, opened };
};
const out = (stream: 1 | 2, text: string): Buffer =>
  Buffer.concat([Buffer.of(stream), Buffer.from(text)]);

describe('run', () => {
  it('sends the command, separates the outputs, ends with its exit code', async () => {
    const { url, opened } = await start((socket) => {
      socket.send(out(1, 'hello '));
      socket.send(out(2, 'oh\n'));
      socket.send(out(1, 'world\n'));
      socket.send(JSON.stringify({ exitCode: 42 }));
      socket.close();
    });
    const run = await runCli(['run', '-a', 'shop', '-e', 'A=1', '--', 'sh', '-c', 'exit 42'], {
      url,
    });
    expect(run).toEqual({ code: 42, stdout: 'hello world\n', stderr: 'oh\n' });
    expect(opened).toEqual([
      {
        url: '/v1/apps/shop/run',
        authorization: 'Bearer shp_test',
        request: { command: ['sh', '-c', 'exit 42'], tty: false, env: { A: '1' } },
      },
    ]);
  });

  it('passes standard input on, and its end', async () => {
    const { url } = await start((socket) => {
      let input = '';
      socket.on('message', (data: Buffer, isBinary) => {
        if (isBinary) input += data.toString();
        else {
          expect(JSON.parse(data.toString())).toEqual({ stdinEnd: true });
          socket.send(out(1, input.toUpperCase()));
          socket.send(JSON.stringify({ exitCode: 0 }));
        }
      });
    });
    const run = await runCli(['run', '-a', 'shop', '--', 'cat'], { url, stdin: 'some\ninput' });
    expect(run).toEqual({ code: 0, stdout: 'SOME\nINPUT', stderr: '' });
  });

  it('returns at once with --detach and names the instance', async () => {
    const { url, opened } = await start((socket) =>
      socket.send(JSON.stringify({ instance: 'i-9' })),
    );
    const run = await runCli(['run', '-d', '-a', 'shop', '--json', '--', 'sleep', '9'], { url });
    expect(run).toEqual({ code: 0, stdout: '{"exitCode":0,"instance":"i-9"}\n', stderr: '' });
    expect(opened[0]?.request).toEqual({ command: ['sleep', '9'], tty: false, detach: true });
  });

  it('says where to read what a detached command prints', async () => {
    const { url } = await start((socket) => socket.send(JSON.stringify({ instance: 'i-9' })));
    const run = await runCli(['run', '-d', '-a', 'shop', '--', 'sleep', '9'], { url });
    expect(run.stdout).toBe('Running as i-9.\nSee: shiplog logs -a shop -i i-9\n');
  });

  it('is a stream of JSON documents in JSON mode', async () => {
    const { url } = await start((socket) => {
      const euro = Buffer.from('€\n');
      socket.send(Buffer.concat([Buffer.of(1), euro.subarray(0, 1)]));
      socket.send(Buffer.concat([Buffer.of(1), euro.subarray(1)]));
      socket.send(JSON.stringify({ exitCode: 3 }));
    });
    const run = await runCli(['run', '-a', 'shop', '--json', '--', 'x'], { url });
    expect(run.code).toBe(3);
    expect(
      run.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([{ stream: 'stdout', text: '' }, { stream: 'stdout', text: '€\n' }, { exitCode: 3 }]);
  });

  it('tells the refusal of the server', async () => {
    const { url } = await start((socket) =>
      socket.send(
        JSON.stringify({
          error: { code: 'nothing-deployed', message: 'No release.', status: 409 },
        }),
      ),
    );
    const run = await runCli(['run', '-a', 'shop', '--', 'x'], { url });
    expect(run).toEqual({ code: 5, stdout: '', stderr: 'Error: No release.\n' });
  });

  it('does not know the outcome when the connection is lost', async () => {
    const { url } = await start((socket) => socket.terminate());
    expect((await runCli(['run', '-a', 'shop', '--', 'x'], { url })).code).toBe(7);
  });

  it('tells the refusal of a server that opens no terminal at all', async () => {
    api = await startFakeApi({ 'GET /v1/apps': [] });
    api.server.on('upgrade', (_request, stream) => {
      const body = JSON.stringify({ title: 'x', code: 'app-not-found', detail: 'No such app.' });
      stream.end(
        `HTTP/1.1 404 Not Found\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
      );
    });
    const run = await runCli(['run', '-a', 'shop', '--', 'x'], { url: api.url });
    expect(run.code).toBe(3);
    expect(run.stderr).toContain('No such app.');
  });
});

describe('exec', () => {
  it.each(['i-aaaa11', 'aaaa11', 'web'])('finds the instance by "%s"', async (wanted) => {
    const { url, opened } = await start((socket) => socket.send(JSON.stringify({ exitCode: 0 })));
    const run = await runCli(['exec', wanted, '-a', 'shop', '--', 'ls', '-la'], { url });
    expect(run.code).toBe(0);
    expect(opened[0]).toMatchObject({
      url: '/v1/apps/shop/instances/i-aaaa11/exec',
      request: { command: ['ls', '-la'], tty: false },
    });
  });

  it('says that there is no such instance', async () => {
    const { url } = await start(() => undefined);
    const run = await runCli(['exec', 'worker', '-a', 'shop', '--', 'ls'], { url });
    expect(run.code).toBe(3);
    expect(run.stderr).toContain('shiplog ps -a shop');
  });
});

describe('a terminal', () => {
  it('is raw while the command runs, follows the size, and is given back', async () => {
    const received: unknown[] = [];
    const { url, opened } = await start((socket) => {
      socket.on('message', (data: Buffer, isBinary) => {
        received.push(isBinary ? data.toString() : JSON.parse(data.toString()));
        if (isBinary) socket.send(JSON.stringify({ exitCode: 0 }));
      });
      socket.send(out(1, 'prompt> '));
    });
    const raw: boolean[] = [];
    const stdin = Object.assign(new PassThrough(), {
      isTTY: true,
      setRawMode: (isRaw: boolean) => raw.push(isRaw),
    });
    const stdout = Object.assign(new PassThrough(), { isTTY: true, columns: 80, rows: 24 });
    const io: Io = {
      env: { SHIPLOG_URL: url, SHIPLOG_TOKEN: 't' },
      cwd: '/',
      homeDirectory: '/nonexistent',
      isRoot: false,
      stdin,
      stdout,
      stderr: new PassThrough(),
      now: Date.now,
      signal: new AbortController().signal,
      executable: '/shiplog',
      version: '0',
    };
    const running = main(['exec', 'web', '-a', 'shop', '--', 'sh'], io);
    await once(stdout, 'data');
    expect(raw).toEqual([true]);
    stdout.columns = 120;
    stdout.emit('resize');
    stdin.write('\u0003');
    expect(await running).toBe(0);
    expect(opened[0]?.request).toEqual({ command: ['sh'], tty: true, columns: 80, rows: 24 });
    expect(received).toEqual([{ resize: { columns: 120, rows: 24 } }, '\u0003']);
    expect(raw).toEqual([true, false]);
  });
});
