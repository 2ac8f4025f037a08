import type { Logger } from '@shiplog/runtime';
import type { NextFunction, Request, Response } from 'express';

/** Addresses that are asked every few seconds by whoever supervises us. */
const PROBES = new Set(['/healthz', '/readyz', '/metrics']);

/** One line per request. Never headers, queries or bodies: tokens and config values travel there. */
export const accessLog =
  (logger: Logger, onRequest: (seen: { method: string; status: number; ms: number }) => void) =>
  (request: Request, response: Response, next: NextFunction): void => {
    const startedAt = performance.now();
    const path = request.path.slice(0, 300);
    // Read now: when the answer is over the connection may be, too.
    const address = request.socket.remoteAddress;
    response.once('close', () => {
      const ms = Math.round(performance.now() - startedAt);
      const { statusCode: status, writableFinished } = response;
      onRequest({ method: request.method, status, ms });
      const fields = { method: request.method, path, status, ms, address };
      const line = writableFinished ? fields : { ...fields, aborted: true };
      if (PROBES.has(path)) logger.trace(line, 'request');
      else logger.info(line, 'request');
    });
    next();
  };
