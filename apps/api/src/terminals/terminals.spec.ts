import type { Frame, Session } from '@shiplog/bus';
import { START } from '@shiplog/events';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startTestApi, type TestApi } from '../testing/start-test-api.js';

let api: TestApi;
let bob: string;
beforeAll(async () => {
  api = await startTestApi();
  await api.deployed('hello');
  bob = await api.addUser('bob');
});
afterAll(() => api.stop());

let unserve = (): void => undefined;
afterEach(() => unserve());

const serve = (handle: (input: unknown, session: Session) => Promise<void>): void => {
  unserve = api.platform.deployer.bus.serveSessions('run', handle);
};

const connect = (path: string, token = api.token): WebSocket =>
  new WebSocket(`${api.url.replace('http', 'ws')}${path}`, {
    headers: { Authorization: `Bearer ${token}`, 'Shiplog-Reason': 'why%20slow' },
  });

/** Messages until the socket closes: binary ones as `[stream, text]`. */
const messagesOf = (socket: WebSocket): Promise<unknown[]> =>
  new Promise((resolve, reject) => {
    const messages: unknown[] = [];
    socket.on('message', (data: Buffer, isBinary) =>
      messages.push(
        isBinary ? [data[0], data.subarray(1).toString()] : JSON.parse(data.toString()),
      ),
    );
    socket.on('close', () => resolve(messages));
    socket.on('error', reject);
  });

const refusalOf = (socket: WebSocket): Promise<{ status: number; code: string }> =>
  new Promise((resolve, reject) => {
    socket.on('open', () => reject(new Error('it was let in')));
    socket.on('error', () => undefined);
    socket.on('unexpected-response', (_request, response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => {
        const { code } = JSON.parse(text) as { code: string };
        resolve({ status: response.statusCode ?? 0, code });
      });
    });
  });

describe('run', () => {
  it('carries input, size and output, and ends with the exit code', async () => {
    const received: Frame[] = [];
    let asked: unknown;
    serve(async (input, session) => {
      asked = input;
      session.onFrame((frame) => {
        received.push(frame);
        if (frame.kind !== 'stdin-end') return;
        session.send({ kind: 'stdout', bytes: Buffer.from('out') });
        session.send({ kind: 'stderr', bytes: Buffer.from('err') });
        session.send({ kind: 'exit', head: { exitCode: 7 } });
        session.end();
      });
      await session.ended;
    });
    const socket = connect('/v1/apps/hello/run');
    socket.once('open', () => {
      socket.send(JSON.stringify({ command: ['sh', '-c', 'exit 7'], tty: true, env: { A: 'b' } }));
      socket.send(Buffer.from('hello'));
      socket.send(JSON.stringify({ resize: { columns: 100, rows: 30 } }));
      socket.send(JSON.stringify({ stdinEnd: true }));
    });
    expect(await messagesOf(socket)).toEqual([[1, 'out'], [2, 'err'], { exitCode: 7 }]);
    expect(asked).toMatchObject({
      command: ['sh', '-c', 'exit 7'],
      tty: true,
      columns: 80,
      rows: 24,
      detach: false,
      env: { A: 'b' },
    });
    expect(received.map(({ kind }) => kind)).toEqual(['stdin', 'resize', 'stdin-end']);
    expect(Buffer.from(received[0]?.bytes ?? []).toString()).toBe('hello');
    expect(received[1]?.head).toEqual({ columns: 100, rows: 30 });
  });

  it('is in the audit: who opened it, from where and why, and nothing of what they typed', async () => {
    serve((_input, session) => {
      session.send({ kind: 'exit', head: { exitCode: 0 } });
      session.end();
      return Promise.resolve();
    });
    const socket = connect('/v1/apps/hello/run');
    socket.once('open', () => socket.send('{"command":["psql","hunter2"]}'));
    await messagesOf(socket);
    const opened = async (): Promise<unknown[]> => {
      const { body } = await api.call('get', '/v1/audit?type=run').expect(200);
      return (body as { entries: unknown[] }).entries;
    };
    await expect.poll(opened, { timeout: 20_000 }).toContainEqual(
      expect.objectContaining({
        ...{ actor: 'admin', address: '127.0.0.1', app: 'hello', actions: ['run'] },
        ...{ reason: 'why slow', token: 'first administrator' },
      }),
    );
    const stored = await api.platform.api.log.readStored(START, 10_000);
    const bytes = Buffer.concat(stored.map((one) => one.bytes)).toString('utf8');
    expect(bytes).toContain('OperationsDone');
    expect(bytes).not.toMatch(/hunter2|127\.0\.0\.1/);
  });

  it('names what runs on when it was detached', async () => {
    serve((_input, session) => {
      session.send({ kind: 'exit', head: { exitCode: 0, detached: true, name: 'run-1' } });
      session.end();
      return Promise.resolve();
    });
    const socket = connect('/v1/apps/hello/run');
    socket.once('open', () => socket.send('{"command":["job"],"detach":true}'));
    expect(await messagesOf(socket)).toEqual([{ exitCode: 0, instance: 'run-1' }]);
  });

  it('passes on why it could not be done, with a status', async () => {
    serve(() =>
      Promise.reject(
        Object.assign(new Error('hello has no live release'), { code: 'nothing-deployed' }),
      ),
    );
    const socket = connect('/v1/apps/hello/run');
    socket.once('open', () => socket.send('{"command":["job"]}'));
    const [end] = await messagesOf(socket);
    expect(end).toMatchObject({ error: { code: 'nothing-deployed', status: 422 } });
  });

  it('ends the session when the terminal is closed', async () => {
    const ended = new Promise<void>((resolve) =>
      serve(async (_input, session) => {
        session.send({ kind: 'stdout', bytes: Buffer.from('$ ') });
        await session.ended;
        resolve();
      }),
    );
    const socket = connect('/v1/apps/hello/run');
    socket.once('open', () => socket.send('{"command":["sh"]}'));
    socket.once('message', () => socket.terminate());
    await ended;
  });

  it('refuses a first message that says nothing useful', async () => {
    for (const [text, code] of [
      ['hello', 'body-not-json'],
      ['{}', 'invalid-body'],
      ['{"command":[]}', 'invalid-body'],
      ['{"command":"sh"}', 'invalid-body'],
      ['{"command":["sh"],"columns":0}', 'invalid-body'],
      ['{"command":["sh"],"privileged":true}', 'invalid-body'],
      ['{"command":["a\\u0000b"]}', 'invalid-body'],
      ['{"command":["sh"],"env":{"A-B":"1"}}', 'invalid-body'],
    ] as const) {
      const socket = connect('/v1/apps/hello/run');
      socket.once('open', () => socket.send(text));
      const [end] = await messagesOf(socket);
      expect(end, text).toMatchObject({ error: { code } });
    }
  });
});

describe('the way in', () => {
  it('lets nobody pass without the right to it', async () => {
    expect(await refusalOf(connect('/v1/apps/hello/run', 'shp_x'))).toEqual({
      status: 401,
      code: 'unauthenticated',
    });
    expect(await refusalOf(connect('/v1/apps/hello/run', bob))).toEqual({
      status: 404,
      code: 'app-not-found',
    });
    const { body } = await api.call('post', '/v1/apps/hello/git-url').send({}).expect(201);
    expect(await refusalOf(connect('/v1/apps/hello/run', String(body.token)))).toEqual({
      status: 403,
      code: 'token-scope',
    });
    await api.call('delete', `/v1/tokens/${String(body.tokenId)}`).expect(200);
    expect(await refusalOf(connect('/v1/apps/hello/run', String(body.token)))).toEqual({
      status: 401,
      code: 'unauthenticated',
    });
    expect(await refusalOf(connect('/v1/apps/none/run'))).toMatchObject({ status: 404 });
    expect(await refusalOf(connect('/v1/apps/hello/instances/i-9/exec'))).toEqual({
      status: 404,
      code: 'instance-not-found',
    });
    expect(await refusalOf(connect('/v1/apps/%zz/run'))).toMatchObject({ status: 400 });
    expect(await refusalOf(connect('/v1/elsewhere'))).toMatchObject({ status: 404 });
  });
});
