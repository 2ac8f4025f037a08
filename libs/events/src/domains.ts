import { z } from 'zod';
import { HOST_PATTERN, host } from './ids.js';

/** Labels below which a wildcard may stand: a proxy asks for each of them. */
export const WILDCARD_LABELS_MAX = 8;
/** Parts of the path of a domain: a proxy asks for each of them. */
export const PATH_PARTS_MAX = 8;
const PATH_LENGTH_MAX = 128;

const PATH = /^(?:\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$/;

export interface DomainParts {
  /** `www.example.com`, or the part behind `*.` of a wildcard. */
  readonly base: string;
  readonly isWildcard: boolean;
  /** `/api`; empty for the whole host. */
  readonly path: string;
}

/**
 * A domain in its one spelling: a host in lower case and ASCII, or `*.` and a host of two to eight labels,
 * then a path of at most eight parts or nothing. Undefined for everything else.
 */
export const parseDomain = (text: string): DomainParts | undefined => {
  const slash = text.indexOf('/');
  const pattern = slash === -1 ? text : text.slice(0, slash);
  const path = slash === -1 ? '' : text.slice(slash);
  const isWildcard = pattern.startsWith('*.');
  const base = isWildcard ? pattern.slice(2) : pattern;
  if (!HOST_PATTERN.test(base) || (path !== '' && !isDomainPath(path))) return undefined;
  if (isWildcard && base.split('.').length > WILDCARD_LABELS_MAX) return undefined;
  return { base, isWildcard, path };
};

/** No part begins with a dot, so none is `.` or `..`. */
export const isDomainPath = (path: string): boolean =>
  path.length <= PATH_LENGTH_MAX && PATH.test(path) && path.split('/').length - 1 <= PATH_PARTS_MAX;

/** `*.example.com`, or the host itself. */
export const hostOfDomain = (domain: string): string => domain.split('/', 1)[0] ?? domain;

/** What a schema can say of it; `parseDomain` says the rest. */
export const DOMAIN_PATTERN = /^(?:\*\.)?[a-z0-9.-]+(?:\/[A-Za-z0-9._~/-]+)?$/;

export const domainName = z
  .string()
  .max(400)
  .regex(DOMAIN_PATTERN)
  .refine(
    (text) => parseDomain(text) !== undefined,
    'a domain such as www.example.com, *.example.com or example.com/api',
  );

export const REDIRECT_STATUSES = [301, 302, 307, 308] as const;

/** What becomes of requests that come by a domain. */
export const domainUse = z.discriminatedUnion('kind', [
  /** The app answers; `strip`: it sees paths without that of the domain. */
  z.strictObject({ kind: z.literal('serve'), strip: z.boolean() }),
  /** The client is sent to the same path of another host. */
  z.strictObject({ kind: z.literal('redirect'), to: host, status: z.literal(REDIRECT_STATUSES) }),
]);
export type DomainUse = z.infer<typeof domainUse>;
