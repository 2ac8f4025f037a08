import { addressOf } from '../http/https-only.js';
import type { IncomingMessage } from 'node:http';
import type { Actor } from '@shiplog/events';
import { headerOf } from '../http/request-headers.js';
import type { CalledFrom } from './persons.js';

/** What was found out about a request until it was refused. */
export interface RequestNotes {
  readonly command?: string;
  readonly isChange?: boolean;
  /** Also of a token that is of no use any more. */
  readonly actor?: Actor;
  readonly tokenId?: string;
  readonly tokenFault?: 'token-expired' | 'token-revoked' | 'token-unknown';
  readonly appId?: string;
  readonly target?: string;
  /** The app is there, and the caller is told that it is not. */
  readonly isHidden?: boolean;
  readonly reason?: string | null;
}

const notes = new WeakMap<IncomingMessage, RequestNotes>();

export const noteOn = (request: IncomingMessage, more: RequestNotes): void => {
  notes.set(request, { ...notes.get(request), ...more });
};

export const notesOf = (request: IncomingMessage): RequestNotes => notes.get(request) ?? {};

export const calledFrom = (request: IncomingMessage, tokenId: string | null): CalledFrom => ({
  tokenId,
  address: addressOf(request),
  userAgent: headerOf(request, 'user-agent')?.slice(0, 300) ?? null,
});
