import { z } from 'zod';
import { changed, id, pageLimit, reason, sequence, time } from '../http/fields.js';
import { defineRoute } from '../http/route.js';

const tag = 'audit';

const OUTCOMES = ['done', 'rejected', 'conflict', 'denied', 'read', 'unlisted'] as const;
export const outcome = z
  .enum(OUTCOMES)
  .describe(
    'done: it is in the log, or was carried out. rejected: the rules forbade it. conflict: somebody was faster. denied: no right to it, or no valid token. read: config values were shown. unlisted: so many more there were, too many to tell of one by one.',
  );

export const auditEntry = z
  .object({
    id: z.string().describe('Unique: commit id, and which part of it.'),
    sequence,
    time: time.describe('When; the first time where `count` is above 1.'),
    lastTime: time.describe('The last time.'),
    count: z.number().int().describe('So often the same thing was refused or read.'),
    outcome,
    actions: z
      .array(z.string())
      .describe('Types of the events that came of it, or the operation where none did.'),
    code: z.string().nullable().describe('Why it was refused.'),
    actor: z.string().nullable().describe('Name of the user or process; null: nobody we know.'),
    actorId: id.nullable(),
    actorKind: z.enum(['user', 'process']).nullable(),
    token: z.string().nullable().describe('Name of the token.'),
    tokenId: id.nullable(),
    address: z
      .string()
      .nullable()
      .describe(
        'Where it came from; "[erased]" when that was erased; null when you may not see it.',
      ),
    userAgent: z.string().nullable().describe('The same.'),
    app: z.string().nullable().describe('Name of the app.'),
    appId: id.nullable(),
    target: z
      .string()
      .nullable()
      .describe('What it was done to: <aggregate> <id>, or as it was named.'),
    keys: z.array(z.string()).describe('Config keys that were changed or read.'),
    reason,
    correlation: z.string().describe('The same for everything that one request caused.'),
    causation: z.string().nullable().describe('Commit id of what caused it.'),
  })
  .meta({ id: 'AuditEntry' });

const moment = z.string().max(64).describe('A time (ISO 8601) or a sequence.');
const words = z
  .string()
  .regex(/^[A-Za-z]{1,64}(,[A-Za-z]{1,64}){0,49}$/, 'words, separated by commas')
  .transform((text) => new Set(text.split(',')));

export const listAudit = defineRoute({
  id: 'listAudit',
  method: 'GET',
  path: '/v1/audit',
  summary: 'Who did what, when, from where and why; also what was refused, and who read secrets',
  tag,
  access: 'user',
  query: {
    actor: z.string().max(64).optional().describe('Name or id of a user or process.'),
    app: z.string().max(64).optional().describe('Name or id of an app, also of a destroyed one.'),
    type: words
      .optional()
      .describe('Event types, or operations that were refused, separated by commas.'),
    outcome: words
      .refine(
        (set) => [...set].every((word) => (OUTCOMES as readonly string[]).includes(word)),
        `some of ${OUTCOMES.join(', ')}, separated by commas`,
      )
      .optional(),
    since: moment.optional(),
    until: moment.optional(),
    correlation: z.string().max(64).optional().describe('Everything that one request caused.'),
    by: z
      .enum(['users', 'all'])
      .optional()
      .describe(
        'all: also what processes did on their own account. Default: users, unless actor, type or correlation says what is wanted.',
      ),
    order: z.enum(['newest', 'oldest']).default('newest').describe('Which come first.'),
    cursor: sequence.optional().describe('`next` of the page before.'),
    limit: pageLimit,
  },
  answer: {
    status: 200,
    description:
      'A page never splits a commit, so it may be a little longer than the limit; where few match, it may be shorter, or empty, and not the last one. Administrators see everything; others what concerns the apps of their teams, and themselves.',
    schema: z
      .object({
        entries: z.array(auditEntry),
        next: sequence.nullable().describe('Where to go on; null: this was the last page.'),
      })
      .meta({ id: 'AuditPage' }),
  },
  refuses: ['app-not-found', 'moment-unknown'],
});

export const erasePerson = defineRoute({
  id: 'erasePerson',
  method: 'POST',
  path: '/v1/audit/erasures',
  summary: 'Make unreadable for ever from where a person called',
  tag,
  access: 'administrator',
  body: z.strictObject({
    user: z.string().min(1).max(64).describe('Name or id.'),
    confirm: z.string().max(64).describe('The name once more.'),
  }),
  answer: {
    status: 200,
    description:
      'Their key is deleted: addresses and user agents in the log cannot be read any more. The log itself did not change, but for the record of this.',
    schema: changed.extend({ userId: id, user: z.string() }).meta({ id: 'ErasedPerson' }),
  },
  refuses: ['user-not-found', 'confirmation-mismatch'],
});
