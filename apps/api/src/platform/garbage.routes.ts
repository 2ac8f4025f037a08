import { z } from 'zod';
import { changed, id } from '../http/fields.js';
import { defineRoute } from '../http/route.js';

const tag = 'garbage';

const policy = z
  .object({
    exitedKept: z
      .number()
      .int()
      .min(0)
      .max(1000)
      .describe('Newest exited containers kept per app and process.'),
    minimumAgeSeconds: z
      .number()
      .int()
      .min(0)
      .max(31_536_000)
      .describe('Younger containers are never collected.'),
  })
  .meta({ id: 'GarbagePolicy' });

const item = z
  .object({
    kind: z.string(),
    id: z.string(),
    appId: id.nullable(),
    reason: z.string(),
    bytes: z.number().nullable(),
  })
  .meta({ id: 'GarbageItem' });

export const previewGarbage = defineRoute({
  id: 'previewGarbage',
  method: 'GET',
  path: '/v1/gc/preview',
  summary: 'What would be collected now',
  tag,
  access: 'administrator',
  answer: { status: 200, description: 'Nothing was removed.', schema: z.array(item) },
  refuses: ['worker-unreachable'],
});

export const collectGarbage = defineRoute({
  id: 'collectGarbage',
  method: 'POST',
  path: '/v1/gc/run',
  summary: 'Collect now',
  tag,
  access: 'administrator',
  changes: false,
  body: z.strictObject({}),
  answer: { status: 200, description: 'What was removed.', schema: z.array(item) },
  refuses: ['worker-unreachable', 'worker-failed'],
});

export const showGarbagePolicy = defineRoute({
  id: 'showGarbagePolicy',
  method: 'GET',
  path: '/v1/gc/policy',
  summary: 'What is kept for how long',
  tag,
  access: 'user',
  answer: { status: 200, description: 'The policy.', schema: policy },
});

export const changeGarbagePolicy = defineRoute({
  id: 'changeGarbagePolicy',
  method: 'PUT',
  path: '/v1/gc/policy',
  summary: 'Set what is kept for how long',
  tag,
  access: 'administrator',
  body: z.strictObject(policy.shape),
  answer: {
    status: 200,
    description: 'The policy as it is now.',
    schema: changed.extend(policy.shape).meta({ id: 'ChangedGarbagePolicy' }),
  },
  refuses: ['worker-unreachable'],
});
