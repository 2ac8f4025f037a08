import type { ServerResponse } from 'node:http';
import type { ActiveApp, World } from '@shiplog/domain';
import { authenticate, belongsTo, type Caller } from '../auth/caller.js';

/** What a git client may ask for. */
export interface GitRequest {
  /** As in the URL: an app's name, or its id. */
  readonly app: string;
  readonly path: 'info/refs' | 'git-upload-pack' | 'git-receive-pack';
  readonly service: 'git-upload-pack' | 'git-receive-pack';
}

const PATH = /^\/([A-Za-z0-9_-]{1,64})(?:\.git)?\/(info\/refs|git-upload-pack|git-receive-pack)$/;

/** Undefined for everything that smart HTTP does not need, the old "dumb" protocol among it. */
export const parseGitRequest = (method: string, url: string): GitRequest | undefined => {
  // Put behind a host, not resolved against one: `//host/…` would be a path of another host.
  const { pathname, searchParams } = new URL(`http://localhost${url}`);
  const [, app, path] = PATH.exec(pathname) ?? [];
  if (app === undefined || path === undefined) return undefined;
  if (path === 'info/refs') {
    const service = searchParams.get('service');
    if (method !== 'GET' || (service !== 'git-upload-pack' && service !== 'git-receive-pack')) {
      return undefined;
    }
    return { app, path, service };
  }
  if (method !== 'POST' || (path !== 'git-upload-pack' && path !== 'git-receive-pack'))
    return undefined;
  return { app, path, service: path };
};

/** The token: the password of Basic, whoever the user is said to be, or a Bearer. Both are the same. */
export const tokenOf = (header: string | undefined): string | undefined => {
  const [, scheme, value] = /^(Basic|Bearer) +(\S+)$/i.exec(header ?? '') ?? [];
  if (scheme === undefined || value === undefined) return undefined;
  if (scheme.toLowerCase() === 'bearer') return value;
  const pair = Buffer.from(value, 'base64').toString('utf8');
  return pair.includes(':') ? pair.slice(pair.indexOf(':') + 1) : undefined;
};

export type Access =
  | { readonly kind: 'granted'; readonly app: ActiveApp; readonly caller: Caller }
  | { readonly kind: 'denied'; readonly status: 401 | 403 | 404; readonly text: string };

/**
 * Who may fetch from an app and push to it: its team; the holder of a push token of exactly this app may
 * push and nothing else. Another team's app looks like one that does not exist.
 */
export const accessTo = (
  world: World,
  { app: wanted, service }: Pick<GitRequest, 'app' | 'service'>,
  token: string | undefined,
  nowMs: number,
): Access => {
  const caller = token === undefined ? undefined : authenticate(world, token, nowMs);
  if (caller === undefined) {
    const text =
      token === undefined
        ? 'a token is needed as password; get a URL that has one: shiplog git-url'
        : 'this token is unknown, expired or revoked; get a new URL: shiplog git-url';
    return { kind: 'denied', status: 401, text };
  }
  const app = world.appByName(wanted) ?? world.app(wanted);
  const { scope } = caller.token;
  if (scope.kind === 'push') {
    const text = pushRefusal(scope.appId === app?.appId, service);
    if (text !== undefined) return { kind: 'denied', status: 403, text };
  }
  if (app === undefined || (scope.kind === 'user' && !belongsTo(caller, app.teamId))) {
    const text = `app '${wanted}' not found; create it with: shiplog apps create ${wanted}`;
    return { kind: 'denied', status: 404, text };
  }
  return { kind: 'granted', app, caller };
};

const pushRefusal = (isItsApp: boolean, service: GitRequest['service']): string | undefined => {
  if (!isItsApp) return 'this token is for pushing to another app';
  return service === 'git-receive-pack'
    ? undefined
    : 'this token is for pushing only; to fetch, add a remote of your own: shiplog git remote';
};

/** Git prints the text of a refusal behind `remote:`. */
export const deny = (
  response: ServerResponse,
  { status, text }: { readonly status: number; readonly text: string },
): void => {
  if (status === 401)
    response.setHeader('WWW-Authenticate', 'Basic realm="Shiplog", charset="UTF-8"');
  response.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Cache-Control': 'no-store',
  });
  response.end(`${text}\n`);
};
