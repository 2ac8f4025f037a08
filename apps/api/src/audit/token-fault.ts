import type { World } from '@shiplog/domain';
import { hashOfToken, TOKEN_PATTERN } from '../auth/token-text.js';
import type { RequestNotes } from './request-notes.js';

/** What is known of a token that was refused: whose it was, and why it is of no use. */
export const tokenFaultOf = (world: World, text: string | undefined): RequestNotes => {
  if (text === undefined) return {};
  const token = TOKEN_PATTERN.test(text) ? world.tokenByHash(hashOfToken(text)) : undefined;
  if (token === undefined || token.status === 'none') return { tokenFault: 'token-unknown' };
  const { state: user } = world.get('user', token.userId);
  const tokenFault = token.status === 'revoked' ? 'token-revoked' : 'token-expired';
  if (user.status !== 'active') return { tokenFault };
  const actor = { kind: 'user', id: user.userId, name: user.name } as const;
  return { tokenFault, actor, tokenId: token.tokenId };
};
