import { Controller, Inject, Req } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import type { TokenDocument } from '@shiplog/read-models';
import type { ProcessContext } from '@shiplog/runtime';
import type { Request } from 'express';
import type { z } from 'zod';
import type { Caller } from '../auth/caller.js';
import { gitUrl } from '../git/index.js';
import { sequenceAt, type Reply } from '../http/answer.js';
import type { Admitted } from '../http/door.js';
import { originOf } from '../http/origin.js';
import { Admission, Handles } from '../http/route.decorator.js';
import { CONTEXT } from '../injection.js';
import { CreateToken, RevokeToken } from './tokens.handlers.js';
import * as routes from './tokens.routes.js';
import type { token } from './tokens.routes.js';

type Token = z.infer<typeof token>;
const TOKENS_MAX = 1_000;

@Controller()
export class TokensController {
  constructor(
    @Inject(CommandBus) private readonly commands: CommandBus,
    @Inject(CONTEXT) private readonly api: ProcessContext,
  ) {}

  @Handles(routes.listTokens)
  async list(
    @Admission() { caller, documents }: Admitted<typeof routes.listTokens>,
  ): Reply<typeof routes.listTokens> {
    const mine = caller.administrator ? {} : { userId: caller.userId };
    const tokens = await documents.tokens({ ...mine, limit: TOKENS_MAX });
    return {
      body: tokens.map((token) => this.toToken(token, caller)),
      position: await documents.position(),
    };
  }

  @Handles(routes.createToken)
  async create(
    @Admission() { body, caller, context }: Admitted<typeof routes.createToken>,
  ): Reply<typeof routes.createToken> {
    const { userId } = caller;
    const { name, expiresInDays } = body;
    const issued = await this.commands.execute(
      new CreateToken({ userId, name, scope: { kind: 'user' }, expiresInDays }, context),
    );
    const { tokenId: id, text: token, expiresAt, position } = issued;
    return { body: { id, name, token, expiresAt, sequence: sequenceAt(position) }, position };
  }

  @Handles(routes.revokeToken)
  async revoke(
    @Admission() { params, caller, context }: Admitted<typeof routes.revokeToken>,
  ): Reply<typeof routes.revokeToken> {
    const { position } = await this.commands.execute(
      new RevokeToken(params.token, caller, context),
    );
    return { body: { sequence: sequenceAt(position) }, position };
  }

  @Handles(routes.createGitUrl)
  async createGitUrl(
    @Admission() { app, body, caller, context }: Admitted<typeof routes.createGitUrl>,
    @Req() request: Request,
  ): Reply<typeof routes.createGitUrl> {
    const { text, tokenId, expiresAt, position } = await this.issueForGit(
      { userId: caller.userId, app, expiresInDays: body.expiresInDays },
      { ...context, caller },
    );
    const url = gitUrl(originOf(request, this.api.config), app.name, text);
    return {
      body: { url, token: text, tokenId, expiresAt, sequence: sequenceAt(position) },
      position,
    };
  }

  /** A URL whose answer got lost is of no use to anybody: the repeated request gets a new token for it. */
  private async issueForGit(
    wanted: {
      readonly userId: string;
      readonly app: Admitted['app'];
      readonly expiresInDays: number;
    },
    { caller, ...context }: Admitted['context'] & { readonly caller: Caller },
  ) {
    const { userId, app, expiresInDays } = wanted;
    const scope = { kind: 'push', appId: app.appId } as const;
    const request = { userId, name: `git push to ${app.name}`, scope, expiresInDays };
    const first = await this.commands.execute(new CreateToken(request, context));
    const { command: _command, ...unnamed } = context;
    const issued =
      first.text === null ? await this.commands.execute(new CreateToken(request, unnamed)) : first;
    if (first.text === null) {
      await this.commands.execute(new RevokeToken(first.tokenId, caller, unnamed));
    }
    const { text, tokenId, expiresAt, position } = issued;
    if (text === null || expiresAt === null) throw new Error(`token ${tokenId} has no text`);
    return { text, tokenId, expiresAt, position };
  }

  private toToken(token: TokenDocument, caller: Caller): Token {
    const { scope, expiresAt } = token;
    const { world } = this.api;
    const user = world.get('user', token.userId).state;
    const app = scope.kind === 'push' ? world.get('app', scope.appId).state : undefined;
    const isExpired = expiresAt !== null && Date.parse(expiresAt) <= Date.now();
    return {
      id: token.tokenId,
      name: token.name,
      user: user.status === 'active' ? user.name : token.userId,
      scope: scope.kind,
      app: app === undefined || app.status === 'none' ? null : app.name,
      state: token.status === 'active' && isExpired ? 'expired' : token.status,
      createdAt: token.createdAt,
      expiresAt,
      revokedAt: token.revokedAt,
      current: token.tokenId === caller.token.tokenId,
    };
  }
}
