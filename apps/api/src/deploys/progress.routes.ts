import { z } from 'zod';
import { appParam, explanation, idParam, sequence, time } from '../http/fields.js';
import { defineRoute } from '../http/route.js';

export const followAppProgress = defineRoute({
  id: 'followProgress',
  method: 'GET',
  path: '/v1/apps/{app}/progress',
  summary: 'Follow a build, a deploy or any change until it is live or has failed',
  tag: 'deploys',
  params: appParam,
  query: {
    build: idParam.optional().describe('From the build to its deploy.'),
    deploy: idParam.optional(),
    settled: sequence.optional().describe('Until what was wanted at this place is so.'),
  },
  answer: {
    status: 200,
    description:
      'One step per line; the last one is done or failed. Exactly one of build, deploy and settled.',
    schema: z
      .object({
        kind: z.enum(['output', 'step', 'done', 'failed']),
        text: z.string(),
        at: time,
        explanation: explanation.nullable().optional(),
      })
      .meta({ id: 'ProgressLine' }),
    contentType: 'application/x-ndjson',
  },
  refuses: ['moment-unknown'],
});
