import type { IncomingMessage } from 'node:http';
import type { NextFunction, Request, Response } from 'express';
import { urlOf, type PlatformConfig } from '@shiplog/runtime';
import { Problem } from './problem.js';

type Where = Pick<PlatformConfig, 'domain' | 'routerPort' | 'tlsPort' | 'acme'>;

/** What the router says of a request; it is believed of nobody but this machine. */
const forwarded = (request: IncomingMessage, name: 'proto' | 'for'): string | undefined => {
  const value = request.headers[`x-forwarded-${name}`];
  return isLoopback(request.socket.remoteAddress) && typeof value === 'string' ? value : undefined;
};

const isLoopback = (address: string | undefined): boolean =>
  address === '::1' || /^(?:::ffff:)?127\./.test(address ?? '');

/** Address of the caller: behind the router it is the one that the router saw. */
export const addressOf = (request: IncomingMessage): string | null =>
  (forwarded(request, 'for') ?? request.socket.remoteAddress)?.slice(0, 64) ?? null;

/** Nobody can listen on the way: over https, or from this machine without the router between. */
export const isPrivate = (request: IncomingMessage): boolean => {
  const proto = forwarded(request, 'proto');
  return proto === undefined ? isLoopback(request.socket.remoteAddress) : proto === 'https';
};

/** `https://…` of the platform, where it has such an address and the request came by it. */
export const secureOriginOf = (request: IncomingMessage, config: Where): string | undefined =>
  config.acme !== undefined && forwarded(request, 'proto') === 'https'
    ? urlOf(config.domain, config, true)
    : undefined;

/** Throws where somebody could have read the credentials of this request; it is too late for these. */
export const refusePlainCredentials = (request: IncomingMessage, config: Where): void => {
  if (config.acme === undefined || isPrivate(request)) return;
  const url = urlOf(config.domain, config, true);
  throw new Problem(
    'https-required',
    `Credentials are taken over https only. Use ${url}; if a token was sent just now, somebody may have read it: revoke it with \`shiplog tokens revoke\`.`,
    { members: { url } },
  );
};

/** A public platform is spoken to over https. A request without credentials is shown the way. */
export const httpsOnly =
  (config: Where) =>
  (request: Request, response: Response, next: NextFunction): void => {
    if (config.acme === undefined || isPrivate(request)) return next();
    const hasCredentials =
      request.headers.authorization !== undefined || request.headers.cookie !== undefined;
    if (hasCredentials || request.path.startsWith('/git/') || request.method !== 'GET') {
      return next(problemOf(() => refusePlainCredentials(request, config)));
    }
    response.redirect(308, `${urlOf(config.domain, config, true)}${request.originalUrl}`);
  };

const problemOf = (refuse: () => void): unknown => {
  try {
    refuse();
    return undefined;
  } catch (error) {
    return error;
  }
};

const ACME_TOKEN = /^[A-Za-z0-9_-]{1,256}$/;

/** What an authority asks for at any host of ours. Needs no secret: only our account key can use the answer. */
export const acmeChallenge =
  (answerTo: ((token: string) => Promise<string>) | undefined) =>
  (request: Request, response: Response, next: NextFunction): void => {
    const { token = '' } = request.params as { token?: string };
    if (answerTo === undefined || !ACME_TOKEN.test(token)) return next();
    answerTo(token).then((text) => void response.type('application/octet-stream').send(text), next);
  };
