import { z } from 'zod';
import {
  appParam,
  changed,
  explanation,
  id,
  idParam,
  pageLimit,
  reason,
  time,
  version,
} from '../http/fields.js';
import { defineRoute } from '../http/route.js';

const tag = 'deploys';
const deployParams = { ...appParam, deploy: idParam.describe('Id of the deploy.') };

export const deploy = z
  .object({
    id,
    state: z
      .enum(['pending', 'running', 'completed', 'failed', 'cancelled'])
      .describe('pending: asked for, not yet taken up by the deployer.'),
    release: version,
    fromRelease: version.nullable().describe('The release that served before.'),
    generation: z.number().int(),
    cause: z.enum(['build', 'image', 'config', 'rollback', 'restart']),
    buildId: id.nullable(),
    cancelRequested: z.boolean(),
    createdAt: time,
    startedAt: time.nullable(),
    finishedAt: time.nullable(),
    deadline: time.nullable().describe('When it fails if it is not live by then.'),
    createdBy: z.string(),
    reason,
    cancelCause: z.string().nullable(),
    explanation: explanation.nullable().describe('Why it failed.'),
  })
  .meta({ id: 'Deploy' });

export const listDeploys = defineRoute({
  id: 'listDeploys',
  method: 'GET',
  path: '/v1/apps/{app}/deploys',
  summary: 'List deploys, newest first',
  tag,
  params: appParam,
  query: { limit: pageLimit },
  shows: true,
  answer: { status: 200, description: 'Newest first.', schema: z.array(deploy) },
});

export const showDeploy = defineRoute({
  id: 'showDeploy',
  method: 'GET',
  path: '/v1/apps/{app}/deploys/{deploy}',
  summary: 'Show one deploy',
  tag,
  params: deployParams,
  shows: true,
  answer: { status: 200, description: 'The deploy.', schema: deploy },
  refuses: ['deploy-not-found'],
});

export const cancelDeploy = defineRoute({
  id: 'cancelDeploy',
  method: 'POST',
  path: '/v1/apps/{app}/deploys/{deploy}/cancel',
  reads: true,
  summary: 'Cancel a deploy; what served before goes on serving',
  tag,
  params: deployParams,
  body: z.strictObject({}),
  answer: { status: 202, description: 'Asked for.', schema: changed },
  refuses: ['deploy-not-found', 'rollout-not-running'],
});
