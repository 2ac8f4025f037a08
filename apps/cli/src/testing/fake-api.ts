import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  readonly method: string;
  /** Path and query as they came, not decoded. */
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}
/** `"METHOD /path"` without query: a value is sent as JSON with 200, a function answers itself. */
export type Routes = Readonly<
  Record<string, ((response: ServerResponse, request: Received) => void) | object>
>;

export interface FakeApi {
  readonly url: string;
  readonly received: readonly Received[];
  readonly server: Server;
  close(): Promise<void>;
}

/** An API that says what a test wants it to say, and remembers what it was asked. */
export const startFakeApi = async (routes: Routes): Promise<FakeApi> => {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const one = { method, url, headers, body: Buffer.concat(chunks) };
      received.push(one);
      const route = routes[`${method} ${url.split('?')[0]}`];
      if (typeof route === 'function')
        (route as (r: ServerResponse, q: Received) => void)(response, one);
      else if (route !== undefined) sendJson(response, 200, route);
      else sendProblem(response, 404, 'route-not-found', 'There is no such address.');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    received,
    server,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

export const sendJson = (response: ServerResponse, status: number, value: unknown): void => {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
};

export const sendProblem = (
  response: ServerResponse,
  status: number,
  code: string,
  detail: string,
  more: object = {},
): void => {
  response.writeHead(status, { 'Content-Type': 'application/problem+json' }).end(
    JSON.stringify({
      type: `urn:shiplog:problem:${code}`,
      title: code,
      status,
      code,
      detail,
      ...more,
    }),
  );
};

export const sendLines = (response: ServerResponse, lines: readonly object[]): void => {
  response.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
  response.end(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
};
