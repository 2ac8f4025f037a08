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
import { gate } from '../gates/gates.routes.js';
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
    strategy: z
      .enum(['rolling', 'blue-green', 'canary'])
      .nullable()
      .describe('Null before it began.'),
    step: z.number().int().describe('Steps of its strategy that it has reached.'),
    percent: z
      .number()
      .nullable()
      .describe(
        'What the newest step gave to the new instances: of the instances (rolling), else of the requests.',
      ),
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

export const deployPlan = z
  .object({
    strategy: z.enum(['rolling', 'blue-green', 'canary']),
    fromRelease: version.nullable().describe('The release whose place would be taken.'),
    wanted: z.record(z.string(), z.number()).describe('Instances per process type.'),
    atMost: z.record(z.string(), z.number()).describe('At one time, old and new.'),
    steps: z.array(
      z.object({
        instances: z.record(z.string(), z.number()).describe('New ones by then.'),
        percent: z.number().describe('Of the instances (rolling), else of the requests.'),
        waitsSeconds: z.number().describe('How long it would rest there on purpose.'),
      }),
    ),
    order: z.array(z.string()).describe('What happens, in words.'),
    outages: z
      .array(
        z.object({
          process: z.string(),
          volume: z
            .string()
            .nullable()
            .describe(
              'The exclusive volume because of which it is so; null: the setting stopFirst.',
            ),
          stopSecondsMax: z
            .number()
            .describe('Until the old instance is gone: requests under way (of web), grace period.'),
          startSecondsMax: z
            .number()
            .describe('Then, until the new one is ready. Longer fails the deploy.'),
        }),
      )
      .describe('Process types of which none runs while they are replaced.'),
    releaseCommand: z
      .object({
        command: z.array(z.string()).describe('Without a shell.'),
        deadlineSeconds: z.number().describe('Longer fails the deploy; what serves goes on.'),
      })
      .nullable()
      .describe('Of the release that serves; the next one may have another, or none.'),
    deadlineSeconds: z.number().describe('What is not live by then goes back.'),
    gate: gate.describe('What stands in the way of it now.'),
    warnings: z.array(z.string()),
  })
  .meta({ id: 'DeployPlan' });

export const planDeploy = defineRoute({
  id: 'planDeploy',
  method: 'GET',
  path: '/v1/apps/{app}/deploy-plan',
  summary: 'What a deploy would do now, without doing it',
  tag,
  params: appParam,
  query: {
    strategy: z
      .enum(['rolling', 'blue-green', 'canary'])
      .optional()
      .describe('Default: the setting of the app.'),
  },
  answer: { status: 200, description: 'Nothing was changed.', schema: deployPlan },
});

export const promoteDeploy = defineRoute({
  id: 'promoteDeploy',
  method: 'POST',
  path: '/v1/apps/{app}/deploys/{deploy}/promote',
  reads: true,
  summary: 'Let a deploy go on without waiting: to its next step, or until it is all live',
  tag,
  params: deployParams,
  body: z.strictObject({
    to: z
      .enum(['next', 'live'])
      .optional()
      .describe('Default live: it waits no more, and nothing is compared any more.'),
  }),
  answer: { status: 202, description: 'Asked for.', schema: changed },
  refuses: ['deploy-not-found', 'rollout-not-running'],
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
