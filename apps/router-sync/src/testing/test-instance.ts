import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createHash } from 'node:crypto';

/** Every POST that was carried out, by its key: twice is a fault. */
export type Ledger = Map<string, number>;

/**
 * An app's instance: answers with its name, enters POSTs into the ledger, `/slow?ms=` takes its time,
 * `/events` is an event stream, an upgrade becomes a WebSocket that echoes bytes.
 */
export const startInstance = async (
  name: string,
  port: number,
  ledger: Ledger = new Map<string, number>(),
) => {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://instance');
    request.resume();
    request.on('end', () => answer(name, ledger, url, request, response));
  });
  server.on('upgrade', (request, socket) => {
    const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const accept = createHash('sha1').update(key).digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nX-Instance: ${name}\r\n\r\n`,
    );
    socket.on('error', () => undefined);
    socket.pipe(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve);
  });
  return {
    name,
    port: (server.address() as { port: number }).port,
    /** As after a kill: connections are reset, the port is closed. */
    kill: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
export type TestInstance = Awaited<ReturnType<typeof startInstance>>;

const answer = (
  name: string,
  ledger: Ledger,
  url: URL,
  request: IncomingMessage,
  response: ServerResponse,
): void => {
  const key = request.headers['x-key'];
  if (request.method === 'POST' && typeof key === 'string') {
    ledger.set(key, (ledger.get(key) ?? 0) + 1);
  }
  response.setHeader('x-instance', name);
  switch (url.pathname) {
    case '/slow':
      setTimeout(() => response.end(name), Number(url.searchParams.get('ms')));
      return;
    case '/events':
      response.setHeader('content-type', 'text/event-stream');
      response.write('data: hello\n\n');
      return;
    case '/headers':
      response.end(JSON.stringify(request.headers));
      return;
    case '/spoof':
      // As if it were the router.
      response.setHeader('X-Shiplog-Router', 'starting');
      response.setHeader('content-type', 'text/x-own');
      response.statusCode = 503;
      response.end(name);
      return;
    case '/broken':
      response.statusCode = 500;
      response.end(name);
      return;
    default:
      response.end(name);
  }
};
