import { z } from 'zod';
import { changed, flag, reason, sequence, time } from '../http/fields.js';
import { defineRoute } from '../http/route.js';

const tag = 'undo';

const params = {
  sequence: z
    .string()
    .regex(/^\d{1,20}(?:-\d{4})?$/, 'a sequence such as 00000000000000000042-0000, or 42')
    .describe('The change: any event of it.'),
};

const changedSince = z
  .object({
    what: z
      .string()
      .describe(
        'Of the change: a config key, a process type, a setting, a release, a host, an app.',
      ),
    sequence: sequence.describe('Where it was changed last.'),
    time,
    by: z.string().describe('Name of the user or process.'),
  })
  .meta({ id: 'ChangedSince' });

export const proposal = z
  .object({
    sequence: sequence.describe('First event of the change.'),
    events: z.array(z.string()).describe('Their types.'),
    app: z.string().nullable().describe('Name of the app that was changed.'),
    time,
    by: z.string().describe('Who made the change.'),
    reason,
    outcome: z
      .enum(['possible', 'unneeded', 'overtaken', 'impossible'])
      .describe(
        'unneeded: it is as it was already. overtaken: all of it was changed again since; `force` takes that back, too.',
      ),
    commands: z
      .array(z.string())
      .describe(
        'What takes it back, in the words of the CLI; one change. Config values are left out.',
      ),
    restores: z.array(z.string()).describe('What will be as it was.'),
    causes: z.array(z.string()).describe('What follows of it.'),
    leaves: z.array(changedSince).describe('Changed again since, so it stays as it is.'),
    overwrites: z.array(changedSince).describe('Changed again since, and goes all the same.'),
    why: z.string().nullable().describe('Why there is nothing to be taken back.'),
    instead: z.string().nullable().describe('What to do instead.'),
    plan: z
      .string()
      .nullable()
      .describe(
        'Names exactly this proposal. Send it with the undo, and what changed meanwhile is a conflict.',
      ),
  })
  .meta({ id: 'UndoProposal' });

export const proposeUndo = defineRoute({
  id: 'proposeUndo',
  method: 'GET',
  path: '/v1/undo/{sequence}',
  summary: 'What would take a change back; nothing is done',
  tag,
  access: 'user',
  params,
  query: { force: flag.describe('Take back what was changed again since, too.') },
  reads: false,
  answer: { status: 200, description: 'What would be done, and what follows.', schema: proposal },
  refuses: ['change-not-found'],
});

export const undoChange = defineRoute({
  id: 'undoChange',
  method: 'POST',
  path: '/v1/undo/{sequence}',
  summary: 'Take a change back by an ordinary change of today; the log keeps both',
  tag,
  access: 'user',
  params,
  body: z.strictObject({
    force: z.boolean().default(false).describe('Take back what was changed again since, too.'),
    plan: z
      .string()
      .max(64)
      .optional()
      .describe('Of the proposal. Absent: whatever is proposed at that moment.'),
  }),
  answer: {
    status: 200,
    description: 'Taken back; follow the progress of the app with `settled`.',
    schema: changed
      .extend({
        app: z.string().nullable().describe('Name of the app that was changed.'),
        undone: z.boolean().describe('false: it was as before already.'),
        settles: z.boolean().describe('The app takes a while to be so.'),
      })
      .meta({ id: 'Undone' }),
  },
  refuses: [
    'change-not-found',
    'undo-impossible',
    'undo-overtaken',
    'app-destroyed',
    'domain-taken',
    'redirect-loop',
    'too-many-domains',
    'config-too-large',
    'reservation-above-limit',
    'process-runs-once',
    'token-not-found',
    'worker-unreachable',
    'worker-failed',
  ],
});
