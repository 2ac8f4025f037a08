import { z } from 'zod';
import { appParam, changed, id, idParam, sequence, time } from '../http/fields.js';
import { defineRoute } from '../http/route.js';

const tag = 'tokens';

const label = z
  .string()
  .regex(
    /^[\p{L}\p{N}][\p{L}\p{N} ._@/-]{0,63}$/u,
    'letters, digits, spaces and "._@/-", at most 64',
  );

export const token = z
  .object({
    id,
    name: z.string(),
    user: z.string().describe('Whose rights it carries.'),
    scope: z.enum(['user', 'push']).describe('user: all its user may; push: git push to one app.'),
    app: z.string().nullable().describe('Name of the app of a push token.'),
    state: z.enum(['active', 'expired', 'revoked']),
    createdAt: time,
    expiresAt: time.nullable(),
    revokedAt: time.nullable(),
    current: z.boolean().describe('The one this request came with.'),
  })
  .meta({ id: 'Token' });

export const listTokens = defineRoute({
  id: 'listTokens',
  method: 'GET',
  path: '/v1/tokens',
  summary: 'List your tokens; administrators see all',
  tag,
  access: 'user',
  shows: true,
  answer: { status: 200, description: 'Never the token itself.', schema: z.array(token) },
});

export const createToken = defineRoute({
  id: 'createToken',
  method: 'POST',
  path: '/v1/tokens',
  summary: 'Make a token of your own',
  tag,
  access: 'user',
  body: z.strictObject({
    name: label,
    expiresInDays: z
      .number()
      .int()
      .min(1)
      .max(3650)
      .optional()
      .describe('Default: it does not expire.'),
  }),
  answer: {
    status: 201,
    description: 'The token is shown this once; only its hash is kept.',
    schema: z
      .object({
        id,
        name: z.string(),
        token: z.string().nullable(),
        expiresAt: time.nullable(),
        sequence,
      })
      .meta({ id: 'CreatedToken' })
      .describe(
        '`token` is null when a repeated request finds it made already: it cannot be shown again.',
      ),
  },
});

export const revokeToken = defineRoute({
  id: 'revokeToken',
  method: 'DELETE',
  path: '/v1/tokens/{token}',
  summary: 'Revoke a token: it stops working at once',
  tag,
  access: 'user',
  params: { token: idParam },
  answer: { status: 200, description: 'Revoked.', schema: changed },
  refuses: ['token-not-found'],
});

export const createGitUrl = defineRoute({
  id: 'createGitUrl',
  method: 'POST',
  path: '/v1/apps/{app}/git-url',
  summary:
    'Make a git URL that works as it is: with a token that can push to this app and nothing else',
  tag,
  params: appParam,
  body: z.strictObject({
    expiresInDays: z.number().int().min(1).max(365).default(30),
  }),
  answer: {
    status: 201,
    description:
      'The URL holds the token and is shown this once. A repeated request makes a new one and revokes the one before.',
    schema: z
      .object({
        url: z.string().describe('With the token as password.'),
        token: z.string(),
        tokenId: id,
        expiresAt: time,
        sequence,
      })
      .meta({ id: 'GitUrl' }),
  },
});
