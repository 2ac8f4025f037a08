import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { Logger } from '@shiplog/runtime';
import { describeError } from '@shiplog/runtime';
import type { Request, Response } from 'express';
import type { AuditRecorder } from '../audit/audit-recorder.js';
import { refusalOf } from '../audit/refusal-of.js';
import { toProblem } from './error-problem.js';
import { Problem } from './problem.js';
import { pathPattern, type AnyRoute } from './route.js';
import { ROUTES } from './routes.js';

/** Every error leaves as one problem document; what went wrong inside stays inside, in the log. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(
    private readonly logger: Logger,
    private readonly audit: Pick<AuditRecorder, 'refused'>,
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<Request>();
    const response = host.switchToHttp().getResponse<Response>();
    const problem = error instanceof HttpException ? httpProblem(error, request) : toProblem(error);
    const refusal = refusalOf(request, problem.code);
    if (refusal !== undefined) this.audit.refused(refusal);
    if (problem.status >= 500) {
      const fields = { code: problem.code, error: describeError(problem.extras.cause ?? problem) };
      this.logger.error(
        { ...fields, ...(problem.code === 'internal' ? { stack: stackOf(error) } : {}) },
        'request-failed',
      );
    }
    sendProblem(response, problem);
  }
}

export const sendProblem = (response: Response, problem: Problem): void => {
  // The status line of a stream has gone out: cutting it off is all that is left to say.
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.status(problem.status).set(problem.extras.headers ?? {});
  response.set('Cache-Control', 'no-store').type('application/problem+json');
  const body = Buffer.from(JSON.stringify(problem.toDocument()));
  response.setHeader('Content-Length', body.length);
  if (response.req.complete) {
    response.end(body);
    return;
  }
  response.write(body);
  afterRest(response.req, () => response.end());
};

const DISCARDED_BYTES_MAX = 64 * 1024 * 1024;
const DISCARDING_MS = 10_000;

/**
 * What is still on its way after a refusal is read and thrown away, for a while: many clients read an
 * answer only when they have sent everything, and closing on them would look like a broken network.
 */
const afterRest = (request: Request, done: () => void): void => {
  let bytes = 0;
  const timer = setTimeout(() => request.destroy(), DISCARDING_MS);
  request.on('error', () => undefined);
  request.once('end', done);
  request.once('close', () => clearTimeout(timer));
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > DISCARDED_BYTES_MAX) request.destroy();
  });
  request.resume();
};

const stackOf = (error: unknown): string | undefined =>
  error instanceof Error ? error.stack : undefined;

/** What the framework itself refuses: an address nobody serves, or one it cannot read. */
const httpProblem = (error: HttpException, request: Request): Problem => {
  if (error.getStatus() !== 404) {
    return new Problem('bad-request', 'The request line or a header is malformed.', {
      cause: error,
    });
  }
  const methods = methodsAt(request.path);
  return methods.length === 0
    ? new Problem(
        'route-not-found',
        'Nothing is served at this address. /openapi.json describes what is.',
      )
    : new Problem(
        'method-not-allowed',
        `This address takes ${methods.join(', ')}, not ${request.method}.`,
        { headers: { Allow: methods.join(', ') } },
      );
};

const methodsAt = (path: string): AnyRoute['method'][] => [
  ...new Set(ROUTES.filter((route) => pathPattern(route.path).test(path)).map((r) => r.method)),
];
