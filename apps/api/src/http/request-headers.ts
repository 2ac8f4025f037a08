import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { CommandContext } from '@shiplog/commands';
import type { Actor, Origin } from '@shiplog/events';
import canonicalize from 'canonicalize';
import { v7 as uuidv7 } from 'uuid';
import type { Caller } from '../auth/caller.js';
import { Problem } from './problem.js';

const REASON_CHARACTERS_MAX = 500;

const badHeader = (name: string, message: string): Problem =>
  new Problem('invalid-input', `headers.${name}: ${message}`, {
    errors: [{ path: `headers.${name}`, message }],
  });

/** Node.js joins a repeated header with ", " or makes a list of it; for ours one value is right. */
export const headerOf = (request: IncomingMessage, name: string): string | undefined => {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
};

/** Everything about a change that is not in its body: who, from where, why, and which request it is. */
export const changeContext = (
  request: IncomingMessage,
  caller: Caller,
  { body, origin }: { readonly body: unknown; readonly origin: Origin | null },
): CommandContext => {
  const expectedRevision = expectedRevisionOf(request);
  const commandId = commandIdOf(request, caller);
  return {
    actor: actorOf(caller),
    origin,
    reason: reasonOf(request),
    // A request that makes several commits: they are found together.
    correlation: uuidv7(),
    command: commandId === undefined ? null : { id: commandId, digest: digestOf(request, body) },
    ...(expectedRevision === undefined ? {} : { expectedRevision }),
    overrides: overridesOf(request),
    isAdministrator: caller.administrator,
  };
};

export const actorOf = ({ userId, name }: Pick<Caller, 'userId' | 'name'>): Actor => ({
  kind: 'user',
  id: userId,
  name,
});

/** The header is a quoted string in the draft; many clients leave the quotes out. */
const idempotencyKeyOf = (request: IncomingMessage): string | undefined => {
  const header = headerOf(request, 'idempotency-key');
  if (header === undefined) return undefined;
  const key = /^("?)([\x21\x23-\x5b\x5d-\x7e]{1,255})\1$/.exec(header)?.[2];
  if (key !== undefined) return key;
  throw badHeader(
    'idempotency-key',
    'expected 1 to 255 visible ASCII characters other than quotes and backslashes, such as a UUID.',
  );
};

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Names the request: the same user with the same key asks for the same thing once more. */
export const commandIdOf = (request: IncomingMessage, caller: Caller): string | undefined => {
  const key = idempotencyKeyOf(request);
  return key === undefined ? undefined : sha256(`${caller.userId}\n${key}`);
};

/** What exactly was asked for: the same key with another digest is a mistake of the caller. */
const digestOf = (request: IncomingMessage & { originalUrl?: string }, body: unknown): string =>
  sha256(
    [request.method, request.originalUrl ?? request.url, canonicalize(body ?? null)].join('\n'),
  );

/**
 * `If-Match: "<revision>"`, also without the quotes; `*` asks for nothing more than that the app exists.
 * A weak tag, or one that is not ours, is of no revision that the app can have: a conflict, as RFC 9110
 * (13.1.1) wants it.
 */
const expectedRevisionOf = (request: IncomingMessage): string | undefined => {
  const header = headerOf(request, 'if-match')?.trim();
  if (header === undefined || header === '*') return undefined;
  const [tag, weak, text] = /^(W\/)?"([\x21\x23-\x7e]*)"$/.exec(header) ?? [];
  if (tag !== undefined) return weak === undefined ? text : tag;
  if (/^\d{20}$/.test(header)) return header;
  throw badHeader('if-match', 'expected one revision as the ETag of the app gives it, or *.');
};

export const reasonOf = (request: IncomingMessage): string | null => {
  const header = headerOf(request, 'shiplog-reason');
  if (header === undefined || header === '') return null;
  let text: string;
  try {
    text = decodeURIComponent(header);
  } catch {
    throw badHeader('shiplog-reason', 'expected percent-encoded UTF-8.');
  }
  if (/^\P{Cc}*$/u.test(text) && [...text].length <= REASON_CHARACTERS_MAX) return text;
  throw badHeader(
    'shiplog-reason',
    `expected one line of at most ${REASON_CHARACTERS_MAX} characters, without control characters.`,
  );
};

/** `Shiplog-Override: lock, freeze`: what is put aside. It is in the audit with the reason, so there has to be one. */
const overridesOf = (request: IncomingMessage): { lock: boolean; freeze: boolean } => {
  const words = (headerOf(request, 'shiplog-override') ?? '')
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
  if (words.some((word) => word !== 'lock' && word !== 'freeze')) {
    throw badHeader('shiplog-override', 'expected lock, freeze, or both.');
  }
  if (words.length > 0 && reasonOf(request) === null) {
    throw badHeader(
      'shiplog-override',
      'say why in Shiplog-Reason (-m): who reads the audit asks.',
    );
  }
  return { lock: words.includes('lock'), freeze: words.includes('freeze') };
};

/** The text after `Bearer`. A token in the address would end up in logs, so it is not looked for there. */
export const bearerOf = (request: IncomingMessage): string | undefined =>
  /^Bearer +([\x21-\x7e]+)$/i.exec(request.headers.authorization ?? '')?.[1];
