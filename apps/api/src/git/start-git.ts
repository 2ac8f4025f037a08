import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { describeError, pathsOf, type ProcessContext } from '@shiplog/runtime';
import { SourceStore } from '@shiplog/sources';
import type { AuditRecorder } from '../audit/audit-recorder.js';
import type { Persons } from '../audit/persons.js';
import { calledFrom } from '../audit/request-notes.js';
import { actorOf } from '../http/request-headers.js';
import { TOKEN_PATTERN } from '../auth/token-text.js';
import { procReceive } from './branch.js';
import { deniedGit } from './denied-git.js';
import {
  accessTo,
  deny,
  parseGitRequest,
  tokenOf,
  type Access,
  type GitRequest,
} from './git-handler.js';
import { HOOK_ENVIRONMENT, installHooks } from './hook-script.js';
import { startHookServer, type AnswerHook, type HookServer } from './hook-server.js';
import { runHttpBackend } from './http-backend.js';
import { preReceive } from './pre-receive.js';
import type { Push, PushDependencies } from './push.js';
import { Repositories } from './repositories.js';

/** Git over HTTP, to be mounted at `/git` before anything that reads bodies. */
export interface GitService {
  /** Never calls `next`: everything under its path is its own. */
  readonly handler: (request: IncomingMessage, response: ServerResponse) => void;
  readonly repositories: Repositories;
  /** Tells pushers that their deploys go on without them, and ends the git processes. */
  stop(): Promise<void>;
}

export interface GitAudit {
  readonly persons: Persons;
  readonly audit: Pick<AuditRecorder, 'refused'>;
}

/** Each one is a git process or three, and an open file for each pack. */
const REQUESTS_MAX = 64;

/** How long pushes may take to say goodbye. */
const STOP_MS = 3_000;

export const startGitService = async (
  context: ProcessContext,
  { persons, audit }: GitAudit,
): Promise<GitService> => {
  const { config, logger } = context;
  const paths = pathsOf(config.home);
  const repositories = new Repositories(paths.repositories);
  const hooks = join(paths.repositories, '.hooks');
  await installHooks(hooks);
  const hookServer = await startHookServer(hooks, (error) =>
    logger.error({ error: describeError(error) }, 'git-hook'),
  );
  const deps = { ...context, sources: new SourceStore(paths.sources), repositories, audit };
  const running = new Set<Promise<void>>();

  return {
    repositories,
    handler: (request, response) => {
      if (running.size >= REQUESTS_MAX) {
        response.setHeader('Retry-After', '10');
        return deny(response, { status: 503, text: 'too many pushes at once; try again' });
      }
      const served = serve({ deps, hooks, hookServer, persons }, request, response).catch(
        (error) => {
          logger.error({ error: describeError(error) }, 'git-request');
          if (response.headersSent) response.destroy();
          else deny(response, { status: 500, text: 'the platform could not serve the repository' });
        },
      );
      running.add(served);
      void served.finally(() => running.delete(served));
    },
    stop: async () => {
      await hookServer.stop();
      let timer: NodeJS.Timeout | undefined;
      const patience = new Promise<void>((resolve) => (timer = setTimeout(resolve, STOP_MS)));
      await Promise.race([Promise.all(running), patience]);
      clearTimeout(timer);
    },
  };
};

interface Serving {
  readonly deps: PushDependencies;
  readonly hooks: string;
  readonly hookServer: HookServer;
  readonly persons: Persons;
}

const serve = async (
  { deps, hooks, hookServer, persons }: Serving,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const { repositories } = deps;
  const wanted = parseGitRequest(request.method ?? 'GET', request.url ?? '/');
  if (wanted === undefined) {
    return deny(response, { status: 404, text: 'git repositories are at /git/<app>.git' });
  }
  const access = await grant(deps, wanted, tokenOf(request.headers.authorization));
  if (access.kind === 'denied') {
    const refusal = deniedGit(deps.world, wanted, request);
    if (refusal !== undefined) deps.audit.refused(refusal);
    return deny(response, access);
  }
  const { app, caller } = access;
  await repositories.ensure(app.appId);

  const isPush = wanted.path === 'git-receive-pack';
  const push = isPush
    ? hookServer.register(answersFor(deps, await pushOf(access, request, persons)))
    : undefined;
  try {
    await runHttpBackend(
      {
        projectRoot: repositories.directory,
        path: `/${app.appId}.git/${wanted.path}`,
        query: wanted.path === 'info/refs' ? `service=${wanted.service}` : '',
        hooks,
        environment: push === undefined ? {} : hookEnvironment(hookServer, push.secret),
        user: caller.name,
        outlivesClient: isPush,
      },
      request,
      response,
    );
  } finally {
    push?.forget();
  }
};

const pushOf = async (
  { app, caller }: Extract<Access, { kind: 'granted' }>,
  request: IncomingMessage,
  persons: Persons,
): Promise<Push> => {
  const from = calledFrom(request, caller.token.tokenId);
  const origin = await persons.seal({ kind: 'person', userId: caller.userId }, from);
  return {
    app,
    actor: actorOf(caller),
    from,
    origin,
    isAdministrator: caller.administrator,
    isOnlyPush: caller.token.scope.kind === 'push',
    deployedBuildId: undefined,
  };
};

const hookEnvironment = ({ socketPath }: HookServer, secret: string): Record<string, string> => ({
  [HOOK_ENVIRONMENT.socket]: socketPath,
  [HOOK_ENVIRONMENT.secret]: secret,
  [HOOK_ENVIRONMENT.node]: process.execPath,
});

const answersFor =
  (deps: PushDependencies, push: Push): AnswerHook =>
  async (asked, say, signal) =>
    asked.mode === 'pre-receive'
      ? { accepted: await preReceive(deps, push, asked, say, signal) }
      : procReceive(deps, push, asked);

/**
 * A token or an app may be a moment old: what is refused is asked again of the whole log. Not for what
 * cannot be a token: anybody may send that, as often as they like.
 */
const grant = async (
  { world, feed }: PushDependencies,
  wanted: GitRequest,
  token: string | undefined,
): Promise<Access> => {
  const access = accessTo(world, wanted, token, Date.now());
  if (access.kind === 'granted' || token === undefined || !TOKEN_PATTERN.test(token)) return access;
  await feed.catchUp();
  return accessTo(world, wanted, token, Date.now());
};
