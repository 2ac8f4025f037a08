import type { IncomingMessage } from 'node:http';
import type { World } from '@shiplog/domain';
import type { SeenRefusal } from '../audit/audit-page.js';
import { refusalOf } from '../audit/refusal-of.js';
import { noteOn } from '../audit/request-notes.js';
import { tokenFaultOf } from '../audit/token-fault.js';
import { authenticate } from '../auth/caller.js';
import { printable } from '../http/door.js';
import { actorOf } from '../http/request-headers.js';
import { tokenOf, type GitRequest } from './git-handler.js';

/** A push or a fetch that was denied, for the audit; undefined where there is no such app at all. */
export const deniedGit = (
  world: World,
  { app: wanted, service }: GitRequest,
  request: IncomingMessage,
): SeenRefusal | undefined => {
  const token = tokenOf(request.headers.authorization);
  // Every git client asks without one first, to be told that it needs one.
  if (token === undefined) return undefined;
  const command = service === 'git-receive-pack' ? 'gitPush' : 'gitFetch';
  noteOn(request, { command, target: printable(wanted) });
  const caller = authenticate(world, token, Date.now());
  if (caller === undefined) {
    noteOn(request, tokenFaultOf(world, token));
    return refusalOf(request, 'unauthenticated');
  }
  noteOn(request, { actor: actorOf(caller), tokenId: caller.token.tokenId });
  if (caller.token.scope.kind === 'push') return refusalOf(request, 'token-scope');
  const app = world.appByName(wanted) ?? world.app(wanted);
  if (app === undefined) return undefined;
  noteOn(request, { appId: app.appId, isHidden: true });
  return refusalOf(request, 'app-not-found');
};
