import { once } from 'node:events';
import { createServer as createHttpServer, type Server } from 'node:http';
import { type INestApplication, type LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { ConfigError, type Logger, type PlatformConfig } from '@shiplog/runtime';
import { ApiModule, type ApiParts } from './api.module.js';
import { createEdge, edgeErrors, hardenServer, type EdgeParts } from './http/edge.js';

/** How long requests may take to end when the api stops. Streams are told to come again. */
const GRACE_MS = 2_000;

/** The application with all routes; it listens to nobody yet. */
export const createServer = async (
  parts: ApiParts,
  edgeParts: EdgeParts,
): Promise<{ app: INestApplication; server: Server }> => {
  const { logger } = parts.context;
  const edge = createEdge(edgeParts);
  const app = await NestFactory.create(ApiModule.of(parts), new ExpressAdapter(edge), {
    bodyParser: false,
    abortOnError: false,
    logger: nestLogger(logger),
  });
  await app.init();
  edge.use(edgeErrors(logger));
  const server = app.getHttpServer() as Server;
  hardenServer(server);
  return { app, server };
};

/** Resolves when connections are accepted. A port that is taken is named, and so is what to change. */
export const listen = async (server: Server, config: PlatformConfig): Promise<void> => {
  const { apiPort, bind } = config;
  server.listen(apiPort, bind);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw listenError(error as NodeJS.ErrnoException, config);
  }
};

/** Throws what `listen` would throw, before anything else is started. */
export const requirePort = async (config: PlatformConfig): Promise<void> => {
  const probe = createHttpServer();
  await listen(probe, config);
  probe.close();
  await once(probe, 'close');
};

const listenError = (error: NodeJS.ErrnoException, { apiPort, bind }: PlatformConfig): Error => {
  switch (error.code) {
    case 'EADDRINUSE':
      return new ConfigError(
        `SHIPLOG_API_PORT: port ${apiPort} on ${bind} is taken by another process. Stop that one, or set SHIPLOG_API_PORT to a free port.`,
      );
    case 'EACCES':
      return new ConfigError(
        `SHIPLOG_API_PORT: port ${apiPort} needs root. Set SHIPLOG_API_PORT to one from 1024 on.`,
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new ConfigError(
        `SHIPLOG_BIND: this machine has no address ${bind}. Set it to 127.0.0.1, or to 0.0.0.0 for all.`,
      );
    default:
      return new Error(`listening on ${bind}:${apiPort}`, { cause: error });
  }
};

/** Takes no more requests, lets the ones under way end for a moment, and cuts off the rest. */
export const closeServer = async (app: INestApplication, server: Server): Promise<void> => {
  const closed = server.listening ? once(server, 'close') : Promise.resolve();
  server.close();
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), GRACE_MS);
  await closed;
  clearTimeout(timer);
  await app.close();
};

/** What Nest says is noise unless it is wrong. */
const nestLogger = (logger: Logger): LoggerService => ({
  log: () => undefined,
  debug: () => undefined,
  verbose: () => undefined,
  warn: (message: unknown) => logger.warn({ message }, 'nest'),
  error: (message: unknown) => logger.error({ message }, 'nest'),
  fatal: (message: unknown) => logger.error({ message }, 'nest'),
});
