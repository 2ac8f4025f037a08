import { createServer, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';

export interface HealthChecks {
  readonly port: number;
  readonly host: string;
  /** Resolves when the process can do its work; the reason for the answer 503 when it rejects. */
  readonly ready: () => Promise<void>;
  /** Text in the Prometheus exposition format. */
  readonly metrics: () => Promise<string>;
}

export interface HealthServer {
  close(): Promise<void>;
}

/** `/healthz` (alive), `/readyz` (can work), `/metrics`: for whoever supervises one process. */
export const startHealthServer = async (checks: HealthChecks): Promise<HealthServer> => {
  const server = createServer((request, response) => {
    void answer(request.url ?? '/', checks, response);
  });
  server.listen(checks.port, checks.host);
  await once(server, 'listening');
  return { close: () => closeServer(server) };
};

const answer = async (
  url: string,
  checks: HealthChecks,
  response: ServerResponse,
): Promise<void> => {
  const send = (status: number, text: string): void => {
    response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(text);
  };
  const path = url.split('?')[0];
  try {
    if (path === '/healthz') send(200, 'alive\n');
    else if (path === '/metrics') send(200, await checks.metrics());
    else if (path === '/readyz') {
      await checks.ready();
      send(200, 'ready\n');
    } else send(404, 'try /healthz, /readyz or /metrics\n');
  } catch (error) {
    send(503, `${error instanceof Error ? error.message : 'not ready'}\n`);
  }
};

const closeServer = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
