import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { CommandContext } from '@shiplog/commands';
import type { Position, TokenScope } from '@shiplog/events';
import type { ProcessContext } from '@shiplog/runtime';
import { belongsTo, type Caller } from '../auth/caller.js';
import { hashOfToken, newTokenText } from '../auth/token-text.js';
import type { Change, Changes } from '../changes/changes.js';
import { newIdFor } from '../changes/ids.js';
import { problemOf } from '../http/rejection-problem.js';
import { CHANGES, CONTEXT } from '../injection.js';

const DAY_MS = 24 * 60 * 60 * 1000;

interface IssuedText {
  readonly tokenId: string;
  /** Null when the same request made it before: only its hash was kept. */
  readonly text: string | null;
  readonly expiresAt: string | null;
  readonly position: Position;
}

export class CreateToken extends Command<IssuedText> {
  constructor(
    readonly request: {
      readonly userId: string;
      readonly name: string;
      readonly scope: TokenScope;
      readonly expiresInDays: number | undefined;
    },
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(CreateToken)
export class CreateTokenHandler implements ICommandHandler<CreateToken> {
  constructor(
    @Inject(CHANGES) private readonly changes: Changes,
    @Inject(CONTEXT) private readonly api: Pick<ProcessContext, 'world'>,
  ) {}

  async execute({ request, context }: CreateToken): Promise<IssuedText> {
    const { userId, name, scope, expiresInDays } = request;
    // An app's revision has nothing to do with a token's.
    const { expectedRevision: _revision, ...plain } = context;
    const tokenId = newIdFor('tok', plain);
    const text = newTokenText();
    const expiresAt =
      expiresInDays === undefined
        ? null
        : new Date(Date.now() + expiresInDays * DAY_MS).toISOString();
    const create = {
      type: 'CreateToken',
      tokenId,
      userId,
      name,
      hash: hashOfToken(text),
      scope,
      expiresAt,
    } as const;
    const { position, repeated } = await this.changes.make('token', tokenId, create, plain);
    if (!repeated) return { tokenId, text, expiresAt, position };
    const { state } = this.api.world.get('token', tokenId);
    return {
      tokenId,
      text: null,
      expiresAt: state.status === 'none' ? null : state.expiresAt,
      position,
    };
  }
}

export class RevokeToken extends Command<Change<'token'>> {
  constructor(
    readonly tokenId: string,
    readonly caller: Caller,
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(RevokeToken)
export class RevokeTokenHandler implements ICommandHandler<RevokeToken> {
  constructor(
    @Inject(CHANGES) private readonly changes: Changes,
    @Inject(CONTEXT) private readonly api: Pick<ProcessContext, 'world'>,
  ) {}

  execute({ tokenId, caller, context }: RevokeToken): Promise<Change<'token'>> {
    const { state } = this.api.world.get('token', tokenId);
    if (state.status === 'none' || !this.mayRevoke(caller, state.userId, state.scope)) {
      throw problemOf({ code: 'token-not-found' });
    }
    const { expectedRevision: _revision, ...plain } = context;
    return this.changes.make('token', tokenId, { type: 'RevokeToken' }, plain);
  }

  /** One's own; every one for administrators; push tokens of an app for its team. */
  private mayRevoke(caller: Caller, userId: string, scope: TokenScope): boolean {
    if (caller.administrator || caller.userId === userId) return true;
    if (scope.kind !== 'push') return false;
    const { state: app } = this.api.world.get('app', scope.appId);
    return app.status !== 'none' && belongsTo(caller, app.teamId);
  }
}
