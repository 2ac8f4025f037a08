import { isTokenUsable, type IssuedToken, type World } from '@shiplog/domain';
import { hashOfToken, TOKEN_PATTERN } from './token-text.js';

/** A person behind a usable token. */
export interface Caller {
  readonly userId: string;
  readonly name: string;
  readonly administrator: boolean;
  /** Teams the user belongs to, oldest membership first. */
  readonly teamIds: readonly string[];
  readonly token: IssuedToken;
}

/** Whose token this is; undefined for one that was never issued, has expired or was revoked. */
export const authenticate = (world: World, text: string, nowMs: number): Caller | undefined => {
  if (!TOKEN_PATTERN.test(text)) return undefined;
  // The lookup is by hash: how long it takes tells nothing about tokens that exist.
  const token = world.tokenByHash(hashOfToken(text));
  if (!isTokenUsable(token, nowMs)) return undefined;
  const { state: user } = world.get('user', token.userId);
  if (user.status !== 'active') return undefined;
  return {
    userId: user.userId,
    name: user.name,
    administrator: user.administrator,
    teamIds: teamsOf(world, user.userId),
    token,
  };
};

/** Is the token that opened a stream still good? Streams outlive the check at their door. */
export const isStillUsable = (world: World, caller: Caller, nowMs: number): boolean =>
  isTokenUsable(world.get('token', caller.token.tokenId).state, nowMs);

/** May the caller see and change what belongs to this team? */
export const belongsTo = (caller: Caller, teamId: string): boolean =>
  caller.administrator || caller.teamIds.includes(teamId);

const teamsOf = (world: World, userId: string): string[] =>
  [...world.all('team')].flatMap((team) =>
    team.status === 'active' && team.members.includes(userId) ? [team.teamId] : [],
  );
