import { afterEach, describe, expect, it } from 'vitest';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { OutcomeUnknownError, UnreachableError } from './problem.js';
import { retryingFetch, type RetryPolicy } from './retry.js';

const policy: RetryPolicy = {
  refusedMs: 5000,
  lostMs: 5000,
  unavailableMs: 5000,
  attemptMs: 5000,
  pauseMs: 2,
};
const impatient: RetryPolicy = {
  refusedMs: 20,
  lostMs: 20,
  unavailableMs: 20,
  attemptMs: 50,
  pauseMs: 2,
};

let server: Server | undefined;
afterEach(() => {
  server?.close();
  server?.closeAllConnections();
});
const listen = async (listener: RequestListener): Promise<string> => {
  server = createServer(listener);
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
};
const change = (url: string) =>
  new Request(url, { method: 'POST', body: '{"a":1}', headers: { 'Idempotency-Key': 'k' } });

describe('a request that is tried again', () => {
  it('sends its body each time', async () => {
    const bodies: string[] = [];
    const url = await listen((request, response) => {
      let body = '';
      request.on('data', (chunk) => (body += String(chunk)));
      request.on('end', () => {
        bodies.push(body);
        if (bodies.length < 3) response.destroy();
        else response.end('ok');
      });
    });
    const response = await retryingFetch(policy)(change(url));
    expect(await response.text()).toBe('ok');
    expect(bodies).toEqual(['{"a":1}', '{"a":1}', '{"a":1}']);
  });

  it('waits for a server that is not available just now', async () => {
    let count = 0;
    const url = await listen((_request, response) => {
      count += 1;
      response.writeHead(count < 3 ? 503 : 200).end('x');
    });
    expect((await retryingFetch(policy)(change(url))).status).toBe(200);
  });

  it('gives the last 503 back when that does not end', async () => {
    const url = await listen((_request, response) => response.writeHead(503).end('busy'));
    const response = await retryingFetch(impatient)(change(url));
    expect([response.status, await response.text()]).toEqual([503, 'busy']);
  });

  it('takes a 502 of the API as its answer', async () => {
    let count = 0;
    const url = await listen((_request, response) => {
      count += 1;
      response.writeHead(502, { 'Content-Type': 'application/problem+json' }).end('{}');
    });
    expect((await retryingFetch(policy)(change(url))).status).toBe(502);
    expect(count).toBe(1);
  });
});

describe('a request that gets no answer', () => {
  it('is a change of unknown outcome when the connection was lost', async () => {
    const url = await listen((_request, response) => response.destroy());
    await expect(retryingFetch(impatient)(change(url))).rejects.toBeInstanceOf(OutcomeUnknownError);
  });

  it('is a change of unknown outcome when the server hangs', async () => {
    const url = await listen(() => undefined);
    await expect(retryingFetch(impatient)(change(url))).rejects.toBeInstanceOf(OutcomeUnknownError);
  });

  it('is merely unreachable when nobody ever listened', async () => {
    const url = await listen(() => undefined);
    await new Promise((resolve) => server?.close(resolve));
    await expect(retryingFetch(impatient)(change(url))).rejects.toBeInstanceOf(UnreachableError);
  });

  it('is merely unreachable, at once, when the server speaks no TLS', async () => {
    const url = await listen(() => undefined);
    const asking = retryingFetch({ ...policy, refusedMs: 20 })(
      change(url.replace('http', 'https')),
    );
    await expect(asking).rejects.toBeInstanceOf(UnreachableError);
    await expect(asking).rejects.toThrow(/TLS: [a-z ]+; does it speak https/);
  });

  it('is merely unreachable when it only looked', async () => {
    const url = await listen((_request, response) => response.destroy());
    await expect(retryingFetch(impatient)(new Request(url))).rejects.toBeInstanceOf(
      UnreachableError,
    );
  });

  it('is not repeated without a key once it may have arrived', async () => {
    let count = 0;
    const url = await listen((_request, response) => {
      count += 1;
      response.destroy();
    });
    const request = new Request(url, { method: 'POST' });
    await expect(retryingFetch(impatient)(request)).rejects.toBeInstanceOf(OutcomeUnknownError);
    expect(count).toBe(1);
  });

  it('ends at once when the person gives up', async () => {
    const url = await listen(() => undefined);
    const giveUp = new AbortController();
    const asking = retryingFetch({ ...policy, attemptMs: 60_000 }, giveUp.signal)(change(url));
    giveUp.abort(new Error('enough'));
    await expect(asking).rejects.toThrow('enough');
  });
});
