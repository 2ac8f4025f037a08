import { z } from 'zod';
import { appName, checks, checksRequest, formation, settings } from '@shiplog/events';
import { appParam, changed, flag, id, sequence, time, version } from '../http/fields.js';
import { gate } from '../gates/gates.routes.js';
import { defineRoute } from '../http/route.js';
import { tcpPort } from '../ports/ports-shown.js';

const tag = 'apps';

export const appSummary = z
  .object({
    id,
    name: z.string(),
    teamId: id,
    url: z.string().nullable().describe('Where `web` answers; null for an app without it.'),
    state: z
      .enum(['new', 'live', 'deploying', 'failing', 'stopped', 'destroyed'])
      .describe(
        'new: nothing deployed yet; failing: the newest deploy failed, and nothing serves or an older release does.',
      ),
    release: version.nullable().describe('The release that serves.'),
    problem: z
      .string()
      .nullable()
      .describe('Why the release that serves cannot be started any more; else null.'),
    createdAt: time,
    createdBy: z.string(),
  })
  .meta({ id: 'AppSummary' });

export const appDetails = appSummary
  .extend({
    revision: z
      .string()
      .describe('For If-Match; also in ETag. Changes with each change of the app.'),
    gitUrl: z
      .string()
      .describe('Git remote; the credential helper or a git-url gives the password.'),
    domains: z.array(z.string()),
    ports: z
      .array(tcpPort)
      .describe('Ports of the router that lead to processes of it, by number.'),
    formation: z.record(z.string(), z.number()).describe('Instances wanted per process type.'),
    settings,
    newestRelease: version.nullable(),
    targetRelease: version.nullable().describe('The release on its way.'),
    updatedAt: time,
    updatedBy: z.string(),
    gate: gate.describe('What stands in the way of releases.'),
  })
  .meta({ id: 'App' });

const createdApp = z
  .object({
    id,
    name: z.string(),
    teamId: id,
    url: z.string().describe('Where `web` will answer once it is deployed.'),
    gitUrl: z.string(),
    revision: z.string(),
    sequence,
  })
  .meta({ id: 'CreatedApp' });

export const createApp = defineRoute({
  id: 'createApp',
  method: 'POST',
  path: '/v1/apps',
  summary: 'Create an app',
  tag,
  access: 'user',
  body: z.strictObject({ name: appName }),
  answer: {
    status: 201,
    description: 'The app exists and has no release yet.',
    schema: createdApp,
  },
  refuses: ['name-taken', 'no-team'],
});

export const listApps = defineRoute({
  id: 'listApps',
  method: 'GET',
  path: '/v1/apps',
  summary: 'List the apps you can see',
  tag,
  access: 'user',
  shows: true,
  answer: { status: 200, description: 'By name.', schema: z.array(appSummary) },
});

export const showApp = defineRoute({
  id: 'showApp',
  method: 'GET',
  path: '/v1/apps/{app}',
  summary: 'Show one app',
  tag,
  params: appParam,
  shows: true,
  answer: { status: 200, description: 'The app.', schema: appDetails },
});

export const destroyApp = defineRoute({
  id: 'destroyApp',
  method: 'DELETE',
  path: '/v1/apps/{app}',
  summary: 'Destroy an app: its instances stop, its routes and its name become free',
  tag,
  params: appParam,
  query: {
    confirm: z.string().describe('The name of the app once more.'),
    volumes: flag.describe(
      'Delete its volumes, too. Otherwise they are kept, with what is in them.',
    ),
  },
  answer: {
    status: 200,
    description: 'Its instances are being stopped.',
    schema: changed
      .extend({ keptVolumes: z.array(z.string()).describe('Names of volumes that are kept.') })
      .meta({ id: 'DestroyedApp' }),
  },
  refuses: ['confirmation-mismatch'],
});

const shownSettings = settings
  .extend({ checks: checks.describe('Health checks that are not the default ones.') })
  .meta({ id: 'ShownSettings' });

export const showSettings = defineRoute({
  id: 'showSettings',
  method: 'GET',
  path: '/v1/apps/{app}/settings',
  summary: 'Show limits and timings of an app',
  tag,
  params: appParam,
  shows: true,
  answer: { status: 200, description: 'All settings, defaults included.', schema: shownSettings },
});

export const changeSettings = defineRoute({
  id: 'changeSettings',
  method: 'PATCH',
  path: '/v1/apps/{app}/settings',
  summary:
    'Change limits and timings; limits and health checks count for what runs, other things of a container by replacing it',
  tag,
  params: appParam,
  body: settings.partial().extend({
    checks: checksRequest
      .optional()
      .describe('What is named is replaced as a whole; null brings its default back.'),
  }),
  answer: {
    status: 200,
    description: 'All settings as they are now.',
    schema: changed.extend({ settings: shownSettings }).meta({ id: 'ChangedSettings' }),
  },
  refuses: [
    'check-invalid',
    'too-many-checks',
    'reservation-above-limit',
    'process-runs-once',
    'canary-without-requests',
  ],
});

const wantedInstances = z
  .number()
  .int('a whole number of instances')
  .min(0, 'at least 0 instances');

export const scaleApp = defineRoute({
  id: 'scaleApp',
  method: 'PATCH',
  path: '/v1/apps/{app}/formation',
  summary: 'Set how many instances of a process type run',
  tag,
  params: appParam,
  // The upper limit is a rule of the app, which names it; here only what is no number of things at all.
  body: z
    .record(formation.keyType, wantedInstances)
    .refine(
      (wanted) => Object.keys(wanted).length > 0,
      'name at least one process type: {"web": 3}',
    ),
  answer: {
    status: 200,
    description: 'The whole formation as it is now.',
    schema: changed
      .extend({ formation: z.record(z.string(), z.number()) })
      .meta({ id: 'ChangedFormation' }),
  },
  refuses: [
    'process-type-unknown',
    'instance-count-above-limit',
    'process-runs-once',
    'nothing-deployed',
  ],
});

const lifecycle = <const Verb extends 'restart' | 'stop' | 'start'>(verb: Verb, summary: string) =>
  defineRoute({
    id: `${verb}App` as const,
    method: 'POST',
    path: `/v1/apps/{app}/${verb}`,
    summary,
    tag,
    params: appParam,
    body: z.strictObject({}),
    answer: {
      status: 202,
      description: 'Asked for; follow progress with `settled`.',
      schema: changed,
    },
    refuses: verb === 'restart' ? ['nothing-deployed'] : [],
  });

export const restartApp = lifecycle('restart', 'Replace all instances, without a gap');
export const stopApp = lifecycle('stop', 'Stop all instances; release, config and domains stay');
export const startApp = lifecycle('start', 'Start a stopped app again');
