import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import helmet from 'helmet';
import type { Logger, PlatformConfig, ReadinessProbe } from '@shiplog/runtime';
import type { Metrics } from '../platform/metrics.js';
import { VERSION } from '../version.js';
import { accessLog } from './access-log.js';
import { toProblem } from './error-problem.js';
import { acmeChallenge, httpsOnly } from './https-only.js';
import { lastWord } from './last-word.js';
import { Problem } from './problem.js';
import { sendProblem } from './problem.filter.js';

export interface EdgeParts {
  readonly config: PlatformConfig;
  /** Answers the challenges of a certificate authority; absent where none is asked. */
  readonly answerTo: ((token: string) => Promise<string>) | undefined;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly readiness: ReadinessProbe;
  /** Everything below `/git`. */
  readonly git: (request: IncomingMessage, response: ServerResponse) => void;
}

/** What every request passes, and what is served without signing in. */
export const createEdge = (parts: EdgeParts): Express => {
  const { config, logger, metrics, readiness, git, answerTo } = parts;
  const edge = express();
  edge.disable('x-powered-by');
  edge.disable('etag');
  edge.set('query parser', 'simple');
  edge.use(accessLog(logger, (seen) => metrics.observe(seen)));
  edge.use(helmet({ strictTransportSecurity: false }));
  edge.use(withoutConditions);
  edge.get('/.well-known/acme-challenge/:token', acmeChallenge(answerTo));
  edge.use(httpsOnly(config));
  edge.use('/git', git);
  edge.get('/healthz', (_request, response) => void response.json({ status: 'ok' }));
  edge.get('/readyz', (_request, response, next) => {
    readiness
      .check()
      .then((answer) => void response.status(answer.ready ? 200 : 503).json(answer))
      .catch(next);
  });
  edge.get('/metrics', (_request, response, next) => {
    metrics
      .text()
      .then((text) => void response.type(metrics.contentType).send(text))
      .catch(next);
  });
  edge.get('/openapi.json', openApi());
  return edge;
};

/**
 * ETag is the revision of an app, not of what is shown about it: instances come and go under the same
 * one. A "not modified" would be wrong.
 */
const withoutConditions = (request: Request, _response: Response, next: NextFunction): void => {
  delete request.headers['if-none-match'];
  delete request.headers['if-modified-since'];
  next();
};

/** Made at the first request: nobody else pays for it. */
const openApi = () => {
  let text: Promise<string> | undefined;
  return (_request: Request, response: Response, next: NextFunction): void => {
    text ??= import('../openapi/document.js').then(({ openApiDocument }) =>
      JSON.stringify(openApiDocument(VERSION)),
    );
    text.then((document) => void response.type('json').send(document)).catch(next);
  };
};

/** What goes wrong outside of the routes of the API. Express knows it by its four parameters. */
export const edgeErrors =
  (logger: Logger) =>
  (error: unknown, _request: Request, response: Response, _next: NextFunction): void => {
    const problem = toProblem(error);
    if (problem.code === 'internal') logger.error({ error }, 'request-failed');
    sendProblem(response, problem);
  };

/** Limits against requests that never end, and answers for what is no HTTP. */
export const hardenServer = (server: Server): void => {
  server.headersTimeout = 15_000;
  // Sources and pushes of a gigabyte over a slow line; bodies of JSON have a limit of their own.
  server.requestTimeout = 30 * 60_000;
  // A client that reads no byte of its answer for so long: what it has not read lies in our memory.
  // Streams say something every few seconds; the longest silence of an answer is that of a rebuild.
  server.timeout = 30 * 60_000;
  server.keepAliveTimeout = 65_000;
  server.on('clientError', (error: NodeJS.ErrnoException, stream: Duplex) => {
    if (!stream.writable || error.code === 'ECONNRESET') return void stream.destroy();
    lastWord(stream, clientProblem(error.code));
  });
};

const clientProblem = (code: string | undefined): Problem => {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new Problem('headers-too-large', 'The address and headers are above 16 KiB together.');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new Problem('request-timeout', 'The request did not arrive in time.');
    default:
      return new Problem('bad-request', 'This is not a valid HTTP request.');
  }
};
