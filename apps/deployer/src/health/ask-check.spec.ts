import { createServer, type Server } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wholeCheck } from '@shiplog/domain';
import { EngineError, type ExecResult } from '../containers/container-engine.port.js';
import { sleepReally } from '../probes/sleep.js';
import { probeUntilReady } from '../probes/probe.js';
import { askCheckWith, type CheckTarget } from './ask-check.js';

const noExec = { exec: () => Promise.reject(new Error('not asked')) };

describe('asking over the network', () => {
  let server: Server;
  let web: NonNullable<CheckTarget['web']>;
  const hosts: (string | undefined)[] = [];
  beforeAll(async () => {
    server = createServer((request, response) => {
      hosts.push(request.headers.host);
      if (request.url === '/hang') return;
      response.statusCode = Number(request.url?.slice(1));
      response.end('because');
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    web = { host: '127.0.0.1', port, isPublished: false, virtualHost: 'shop.localhost' };
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  const ask = (path: string, more: object = {}) =>
    askCheckWith(noExec)(wholeCheck('readiness', { kind: 'http', path, ...more }), {
      containerId: 'c1',
      web,
    });

  it('passes with a status that is asked for, and says what came instead', async () => {
    expect(await ask('/204')).toEqual({ isReady: true, got: 'HTTP 204' });
    expect(await ask('/503')).toEqual({ isReady: false, got: 'HTTP 503 to GET /503: because' });
    expect(await ask('/418', { status: '200,418' })).toMatchObject({ isReady: true });
    expect(await ask('/302', { status: '200-299' })).toMatchObject({ isReady: false });
    expect(new Set(hosts)).toEqual(new Set(['shop.localhost']));
  });
  it('asks one that speaks HTTP/2 in HTTP/2', async () => {
    const seen: unknown[] = [];
    const h2 = createHttp2Server((request, response) => {
      seen.push(request.headers[':authority']);
      if (request.url === '/hang') return;
      response.statusCode = Number(request.url.slice(1));
      response.end('because');
    });
    await new Promise<void>((resolve) => void h2.listen(0, '127.0.0.1', resolve));
    const { port } = h2.address() as AddressInfo;
    const askIt = (path: string, more: object = {}) =>
      askCheckWith(noExec)(wholeCheck('readiness', { kind: 'http', path, timeoutMs: 5_000 }), {
        containerId: 'c1',
        web: { ...web, port, protocol: 'h2c', ...more },
      });
    expect(await askIt('/204')).toEqual({ isReady: true, got: 'HTTP 204' });
    expect(await askIt('/503')).toEqual({ isReady: false, got: 'HTTP 503 to GET /503: because' });
    expect(new Set(seen)).toEqual(new Set(['shop.localhost']));
    expect(await askIt('/204', { protocol: 'http' })).toMatchObject({ isReady: false });
    // The other server speaks HTTP/1.1 alone.
    expect(await askIt('/204', { port: web.port })).toMatchObject({ isReady: false });
    await new Promise((resolve) => h2.close(resolve));
    expect(await askIt('/204')).toEqual({ isReady: false, got: 'nothing answers GET /204' });
  });
  it('waits as long as it was told, and no longer', async () => {
    const beganMs = performance.now();
    expect(await ask('/hang', { timeoutMs: 60 })).toEqual({
      isReady: false,
      got: 'no answer to GET /hang within 60 ms',
    });
    expect(performance.now() - beganMs).toBeGreaterThan(55);
  });
  it('connects, and tells that nothing listens', async () => {
    const tcp = wholeCheck('readiness', { kind: 'tcp' });
    const at = (more: object) =>
      askCheckWith(noExec)(tcp, { containerId: 'c1', web: { ...web, ...more } });
    expect(await at({})).toEqual({ isReady: true, got: 'connected' });
    expect(await at({ isPublished: true })).toMatchObject({ isReady: true });
    const closed = createServer();
    await new Promise<void>((resolve) => void closed.listen(0, '127.0.0.1', resolve));
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    expect(await at({ port })).toEqual({ isReady: false, got: 'connection refused' });
    expect(await askCheckWith(noExec)(tcp, { containerId: 'c1', web: null })).toMatchObject({
      isReady: false,
    });
  });
});

describe('asking by a command', () => {
  const command = wholeCheck('liveness', { kind: 'command', command: ['test', '-f', '/tmp/ok'] });
  const ask = (result: ExecResult | Error) =>
    askCheckWith({
      exec: () => (result instanceof Error ? Promise.reject(result) : Promise.resolve(result)),
    })(command, { containerId: 'c1', web: null });

  it('passes when it ends with 0', async () => {
    expect(await ask({ exitCode: 0, output: '', tail: '' })).toEqual({
      isReady: true,
      got: 'test ended with 0',
    });
    expect(await ask({ exitCode: 1, output: 'no\n', tail: '' })).toEqual({
      isReady: false,
      got: 'test ended with 1: no',
    });
    expect(await ask({ exitCode: null, output: '', tail: '' })).toEqual({
      isReady: false,
      got: 'test did not end within 10000 ms',
    });
  });
  it('fails where the command is not there, and says nothing of the instance where the engine is not', async () => {
    const refused = (code: 'no-such-executable' | 'engine-unreachable' | 'container-missing') =>
      ask(new EngineError(code, 'running a command', 'said'));
    expect(await refused('no-such-executable')).toEqual({
      isReady: false,
      got: 'test cannot be run: said',
    });
    expect(await refused('engine-unreachable')).toBeNull();
    expect(await refused('container-missing')).toBeNull();
  });
});

describe('the start of an instance', () => {
  it('is ready after everything passed in turn, each as often as was asked for', async () => {
    const order: string[] = [];
    const startedAtMs = Date.now();
    const question = (name: string, successes: number) => ({
      ask: () => {
        order.push(name);
        // The second answer is bad: what came before counts no more.
        return Promise.resolve({ isReady: order.length !== 3, got: name });
      },
      successes,
      delayMs: 0,
      intervalMs: 1,
    });
    const isReady = await probeUntilReady(
      { container: { id: 'c1', pid: null }, web: null, startedAtMs },
      {
        ask: () => {
          order.push('default');
          return Promise.resolve({ isReady: true, got: '' });
        },
        then: [question('startup', 2), question('readiness', 1)],
        isWanted: () => true,
        onAnswer: () => undefined,
        askedNow: () => 1,
        nowMs: Date.now,
        sleep: sleepReally,
        signal: new AbortController().signal,
      },
    );
    expect(isReady).toBe(true);
    expect(order).toEqual(['default', 'startup', 'startup', 'startup', 'startup', 'readiness']);
  });

  it.each([
    { askedNow: 1, pauses: [50, 50] },
    { askedNow: 8, pauses: [80, 80] },
    { askedNow: 500, pauses: [1_000, 1_000] },
  ])('is asked the seldomer the more are: among $askedNow', async ({ askedNow, pauses }) => {
    const slept: number[] = [];
    await probeUntilReady(
      { container: { id: 'c1', pid: null }, web: null, startedAtMs: 0 },
      {
        ask: () => Promise.resolve({ isReady: slept.length === pauses.length, got: '' }),
        isWanted: () => true,
        onAnswer: () => undefined,
        askedNow: () => askedNow,
        nowMs: () => 100,
        sleep: (ms) => {
          slept.push(ms);
          return Promise.resolve();
        },
        signal: new AbortController().signal,
      },
    );
    expect(slept).toEqual(pauses);
  });
});
