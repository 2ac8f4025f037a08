import type { IncomingMessage } from 'node:http';
import type { CommandContext } from '@shiplog/commands';
import type { World } from '@shiplog/domain';
import { START, type Position } from '@shiplog/events';
import type { EventLog, LogFeed } from '@shiplog/events/log';
import type { ReadModels, RunningReadModels } from '@shiplog/read-models';
import { z } from 'zod';
import { calledFrom, noteOn } from '../audit/request-notes.js';
import type { CalledFrom, Persons } from '../audit/persons.js';
import { tokenFaultOf } from '../audit/token-fault.js';
import { authenticate, belongsTo, type Caller } from '../auth/caller.js';
import { TOKEN_PATTERN } from '../auth/token-text.js';
import { Problem } from './problem.js';
import { readJsonBody } from './read-json-body.js';
import { refuseFuture } from './refuse-future.js';
import { actorOf, bearerOf, changeContext, commandIdOf, reasonOf } from './request-headers.js';
import type { AnyRoute, BodyOf, ParamsOf, QueryOf } from './route.js';
import { validate } from './validate.js';

interface DoorDependencies {
  readonly log: EventLog;
  readonly feed: LogFeed;
  readonly world: World;
  readonly readModels: Pick<
    RunningReadModels,
    'queries' | 'queriesAtLeast' | 'at' | 'positionAt' | 'reach'
  >;
  readonly persons: Pick<Persons, 'seal'>;
  readonly now: () => number;
}

/** Which app a request is about; enough to ask for more. */
export interface AppIdentity {
  readonly appId: string;
  readonly name: string;
  readonly teamId: string;
}

/** A request that may pass: who asks is known, and everything it brought has the right form. */
export interface Admitted<R = AnyRoute> {
  readonly params: ParamsOf<R>;
  readonly query: QueryOf<R>;
  readonly body: BodyOf<R>;
  readonly caller: Caller;
  /** The app in `{app}`. Only for routes with access `app`. */
  readonly app: AppIdentity;
  readonly context: CommandContext;
  /** From where, as it came: not to be written anywhere but sealed. */
  readonly from: CalledFrom;
  /** The moment that is looked at, as the caller wrote it. */
  readonly at: string | undefined;
  /** Documents as of `at`, or now, not older than `atLeast`. */
  readonly documents: ReadModels;
  /** Aborted when the answer is out, or the caller has gone away. */
  readonly signal: AbortSignal;
}

interface Incoming {
  readonly request: IncomingMessage;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, unknown>>;
  /** Aborted when the answer is out, or the caller has gone away. */
  readonly signal: AbortSignal;
}

const moment = { at: z.string().max(64).optional(), atLeast: z.string().max(64).optional() };
const ATLEAST_PATTERN = /^(\d{20})(?:-\d{4})?$|^(\d{1,19})$/;

/** The one way in: sign in, then the form of the address, then the right to it, then the body. */
export class Door {
  constructor(private readonly deps: DoorDependencies) {}

  async admit(route: AnyRoute, incoming: Incoming): Promise<Admitted> {
    const { request, signal } = incoming;
    const isChange = route.method !== 'GET';
    noteOn(request, { command: route.id, isChange, ...targetOf(incoming.params) });
    const caller = await this.callerOf(request);
    if (route.access === 'administrator' && !caller.administrator) {
      throw new Problem('not-administrator', 'Only administrators may do this; ask one of them.');
    }
    const params = validate('path', z.object(route.params), incoming.params);
    const fields = { ...route.query, ...(route.shows ? moment : {}) };
    const { at, atLeast, ...query } = validate('query', z.strictObject(fields), {
      ...incoming.query,
    }) as { at?: string; atLeast?: string };

    const documents = await this.documentsAt(route, signal, at, atLeast);
    const past = at === undefined ? undefined : documents;
    const app =
      route.access !== 'app'
        ? NO_APP
        : ((route.changes ? this.appOfRepeated(request, caller) : undefined) ??
          (await this.appOf(incoming.params['app'] ?? '', caller, { past, request })));
    if (isChange) noteOn(request, { reason: reasonOf(request) });
    const body =
      route.body === undefined
        ? undefined
        : validate('body', route.body, await readJsonBody(request));
    const from = calledFrom(request, caller.token.tokenId);
    const person = { kind: 'person', userId: caller.userId } as const;
    const origin = isChange ? await this.deps.persons.seal(person, from) : null;
    const context = changeContext(request, caller, { body, origin });
    return { params, query, body, caller, app, context, from, at, documents, signal };
  }

  /** The same answer for a token that never was, has expired or was revoked. */
  async callerOf(request: IncomingMessage): Promise<Caller> {
    const text = bearerOf(request);
    const caller = await this.authenticate(text);
    if (caller === undefined) {
      noteOn(request, tokenFaultOf(this.deps.world, text));
      throw new Problem(
        'unauthenticated',
        'This needs a valid token: send "Authorization: Bearer shp_…", or sign in with `shiplog login`.',
        { headers: { 'WWW-Authenticate': 'Bearer realm="shiplog"' } },
      );
    }
    noteOn(request, { actor: actorOf(caller), tokenId: caller.token.tokenId });
    if (caller.token.scope.kind === 'push') {
      throw new Problem(
        'token-scope',
        'This token can push to one app with git and do nothing else. Sign in with `shiplog login`.',
      );
    }
    return caller;
  }

  /** A token may be a moment old: before it is refused, the log is read to its end. */
  private async authenticate(text: string | undefined): Promise<Caller | undefined> {
    if (text === undefined || !TOKEN_PATTERN.test(text)) return undefined;
    const { world, feed, now } = this.deps;
    const caller = authenticate(world, text, now());
    if (caller !== undefined) return caller;
    await feed.catchUp().catch(() => undefined);
    return authenticate(world, text, now());
  }

  /**
   * The app that a request is about. By id first: no name can look like an id, so nobody can put a name
   * in another app's way. `past`: as it was then.
   */
  async appOf(
    nameOrId: string,
    caller: Caller,
    {
      past,
      request,
    }: { readonly past?: ReadModels | undefined; readonly request?: IncomingMessage } = {},
  ): Promise<AppIdentity> {
    const { world } = this.deps;
    const app =
      past === undefined
        ? (world.app(nameOrId) ?? world.appByName(nameOrId))
        : ((await past.app(nameOrId)) ?? (await past.appByName(nameOrId)));
    if (request !== undefined && app !== undefined) {
      noteOn(request, { appId: app.appId, isHidden: !belongsTo(caller, app.teamId) });
    }
    if (app !== undefined && belongsTo(caller, app.teamId)) {
      return { appId: app.appId, name: app.name, teamId: app.teamId };
    }
    const name = printable(nameOrId);
    throw new Problem(
      'app-not-found',
      past === undefined
        ? `There is no app "${name}" that you can see. \`shiplog apps list\` shows the ones there are.`
        : `There was no app "${name}" at that moment that you can see. \`shiplog apps list --at\` shows the ones there were.`,
    );
  }

  /** A destroyed app, for the request that destroyed it and asks once more because it got no answer. */
  private appOfRepeated(request: IncomingMessage, caller: Caller): AppIdentity | undefined {
    const { world } = this.deps;
    const known = world.command(commandIdOf(request, caller) ?? '');
    if (known?.stream.startsWith('app.') !== true) return undefined;
    const { state } = world.get('app', known.stream.slice('app.'.length));
    if (state.status !== 'destroyed' || !belongsTo(caller, state.teamId)) return undefined;
    return { appId: state.appId, name: state.name, teamId: state.teamId };
  }

  private async documentsAt(
    route: AnyRoute,
    signal: AbortSignal,
    at?: string,
    atLeast?: string,
  ): Promise<ReadModels> {
    const { readModels, feed } = this.deps;
    const known = atLeast === undefined ? undefined : await this.reach(atLeast);
    if (at !== undefined) {
      const position = await readModels.positionAt(at);
      return readModels.at(position, signal).catch((cause: unknown) => {
        if (!signal.aborted) throw cause;
        throw new Problem('bad-request', 'The caller went away before the answer.', { cause });
      });
    }
    // What this process has acknowledged is in what it shows, unless the database is slow: then soon.
    if (route.reads) await readModels.reach(feed.position, 1_000).catch(() => undefined);
    return known === undefined ? readModels.queries : readModels.queriesAtLeast(known);
  }

  /** Waits until the position is in the documents; tells one that does not exist from one that is late. */
  private async reach(atLeast: string): Promise<Position> {
    const match = ATLEAST_PATTERN.exec(atLeast);
    if (match === null) {
      const message = 'expected a sequence such as 00000000000000000042-0000.';
      throw new Problem('invalid-input', `query.atLeast: ${message}`, {
        errors: [{ path: 'query.atLeast', message }],
      });
    }
    const position = match[1] ?? (match[2] ?? '').padStart(START.length, '0');
    const { feed, readModels } = this.deps;
    await refuseFuture(this.deps, position, 'query.atLeast');
    try {
      await Promise.all([feed.reach(position, 10_000), readModels.reach(position, 10_000)]);
    } catch (cause) {
      throw new Problem(
        'not-caught-up',
        `What is known here does not reach ${atLeast} yet. Try again shortly; \`shiplog doctor\` tells how far it is.`,
        { headers: { 'Retry-After': '2' }, cause },
      );
    }
    return position;
  }
}

/** Never looked at: routes without `{app}` have no app. */
const NO_APP: AppIdentity = { appId: '', name: '', teamId: '' };

/** What a request is about, in the words of its address: `shop www.example.com`. */
const targetOf = (params: Readonly<Record<string, string>>): { readonly target?: string } => {
  const words = Object.values(params);
  return words.length === 0 ? {} : { target: printable(words.join(' ')) };
};

/** What a caller wrote, as it may stand in a sentence. */
export const printable = (text: string): string => text.replace(/[\p{C}"\\]/gu, '?').slice(0, 80);
