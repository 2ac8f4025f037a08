import { z } from 'zod';
import { KINDS } from '@shiplog/integrity';
import { sequence, time } from '../http/fields.js';
import { defineRoute } from '../http/route.js';

const tag = 'integrity';

const key = z.string().describe('Public key (Ed25519, 32 bytes, base64).');

const witness = z
  .object({
    name: z.string(),
    state: z
      .enum(['agrees', 'contradicts', 'damaged', 'empty'])
      .describe('contradicts: the log, or another witness. damaged: its own checkpoints.'),
    commits: z.number().int().describe('So many commits, from the first one on, it vouches for.'),
    upTo: sequence.nullable(),
    problem: z.string().nullable(),
  })
  .meta({ id: 'WitnessReport' });

export const verifyLogRoute = defineRoute({
  id: 'verifyLog',
  method: 'GET',
  path: '/v1/audit/verification',
  summary: 'Check the whole log against its hashes, its chains and every witness',
  tag,
  access: 'administrator',
  query: {
    key: z
      .string()
      .regex(/^[A-Za-z0-9+/]{43}=$/, '32 bytes in base64')
      .optional()
      .describe('The public key that the first checkpoint must be signed with.'),
  },
  answer: {
    status: 200,
    description: 'Lines of kind progress, and at the end one of kind result.',
    contentType: 'application/x-ndjson',
    schema: z
      .object({
        kind: z.enum(['progress', 'result']),
        checked: z.number().int().describe('Commits.'),
        total: z
          .number()
          .int()
          .optional()
          .describe('Commits in the log; of progress; about, on EventStoreDB.'),
        ok: z.boolean().optional().describe('Nothing is wrong, and no witness is.'),
        firstBad: z
          .object({ sequence, kind: z.enum(KINDS), detail: z.string() })
          .nullable()
          .optional()
          .describe('The first commit that is not what and where it was.'),
        head: sequence.nullable().optional(),
        witnesses: z.array(witness).optional(),
        resets: z
          .array(
            z.object({
              checkpoint: z.number().int(),
              time,
              commits: z.number().int().describe('What was left of the log.'),
            }),
          )
          .optional()
          .describe('Where an operator knowingly went on with a log that had lost commits.'),
      })
      .meta({ id: 'VerificationLine' }),
  },
});

export const exportLogRoute = defineRoute({
  id: 'exportLog',
  method: 'GET',
  path: '/v1/log/export',
  summary: 'The whole log as it is stored, with its signed checkpoints (docs/integrity.md)',
  tag,
  access: 'administrator',
  answer: {
    status: 200,
    description: 'A head, the checkpoints, the commits in their order, an end; one line each.',
    contentType: 'application/x-ndjson',
    schema: z.string(),
  },
});

const signingState = z
  .object({
    firstKey: key.nullable().describe('Signed the first checkpoint: the one to pin.'),
    key: key.nullable().describe('Signs the next checkpoint.'),
    newest: z
      .object({
        number: z.number().int(),
        time,
        commits: z.number().int().describe('Commits of the log up to there.'),
      })
      .nullable(),
    copies: z
      .array(
        z.object({
          name: z.string(),
          number: z.number().int().nullable().describe('Its newest checkpoint.'),
          problem: z.string().nullable(),
        }),
      )
      .describe('Who else keeps the checkpoints.'),
    problem: z.string().nullable().describe('Why no checkpoint can be made.'),
  })
  .meta({ id: 'SigningState' });

export const showSigning = defineRoute({
  id: 'showSigning',
  method: 'GET',
  path: '/v1/audit/key',
  summary: 'The public key that signs checkpoints, the newest of them, and who keeps them',
  tag,
  access: 'administrator',
  answer: { status: 200, description: 'As it is now.', schema: signingState },
});

export const rotateSigningKey = defineRoute({
  id: 'rotateSigningKey',
  method: 'POST',
  path: '/v1/audit/key/rotate',
  summary: 'Let another key sign from the next checkpoint on; the old one signs for it',
  tag,
  access: 'administrator',
  changes: false,
  body: z.strictObject({}),
  answer: { status: 200, description: 'The new key is in its place.', schema: signingState },
});
