import { z } from 'zod';
import {
  appParam,
  changed,
  explanation,
  id,
  pageLimit,
  reason,
  time,
  version,
} from '../http/fields.js';
import { defineRoute } from '../http/route.js';

const tag = 'releases';

export const release = z
  .object({
    version,
    image: z.string().describe('What a person would call it.'),
    imageId: z.string().describe('Content id of the image at release time.'),
    imageBytes: z.number(),
    buildId: id.nullable(),
    commit: z.string().nullable().describe('The git commit its image was built from.'),
    branch: z.string().nullable(),
    promotedFrom: z
      .object({ appId: id, version })
      .nullable()
      .describe('The release of another app whose image it has.'),
    createdAt: time,
    createdBy: z.string(),
    reason,
    cause: z.enum(['build', 'image', 'config', 'rollback']),
    rollbackOf: version.nullable(),
    state: z
      .enum(['pending', 'rolling-out', 'live', 'superseded', 'failed', 'cancelled'])
      .describe('superseded: it served, or another release came before it could.'),
    liveAt: time.nullable().describe('When it first served.'),
    deployId: id,
    processes: z.array(z.string()).describe('Its process types.'),
    configChanges: z
      .object({ set: z.array(z.string()), unset: z.array(z.string()) })
      .describe('Config keys changed since the release before it.'),
    explanation: explanation.nullable().describe('Why its last deploy failed.'),
  })
  .meta({ id: 'Release' });

export const releaseDetails = release
  .extend({
    layers: z
      .array(z.object({ instruction: z.string().nullable(), bytes: z.number() }))
      .nullable()
      .describe(
        'What makes its image large, oldest first; null where the image is not on the machine now.',
      ),
  })
  .meta({ id: 'ReleaseDetails' });

export const listReleases = defineRoute({
  id: 'listReleases',
  method: 'GET',
  path: '/v1/apps/{app}/releases',
  summary: 'List releases, newest first',
  tag,
  params: appParam,
  query: { limit: pageLimit },
  shows: true,
  answer: { status: 200, description: 'Newest first.', schema: z.array(release) },
});

/** `3` and `v3` are the same release. */
const versionText = z
  .string()
  .regex(/^v?[1-9]\d{0,8}$/, 'the number of a release, such as 3 or v3')
  .transform((text) => Number(text.replace('v', '')));

export const showRelease = defineRoute({
  id: 'showRelease',
  method: 'GET',
  path: '/v1/apps/{app}/releases/{version}',
  summary: 'Show one release',
  tag,
  params: { ...appParam, version: versionText },
  shows: true,
  answer: { status: 200, description: 'The release.', schema: releaseDetails },
  refuses: ['release-not-found'],
});

export const promoteRelease = defineRoute({
  id: 'promoteRelease',
  method: 'POST',
  path: '/v1/apps/{app}/releases/{version}/promote',
  summary:
    'Release the same image in another app: nothing is built, config stays that of the other app',
  tag,
  params: { ...appParam, version: versionText },
  body: z.strictObject({ to: z.string().max(64).describe('Name or id of the other app.') }),
  answer: {
    status: 202,
    description:
      'The new release of the other app is on its way; follow progress there with `deploy`.',
    schema: changed
      .extend({ app: z.string(), release: version, deployId: id })
      .meta({ id: 'PromotedRelease' }),
  },
  refuses: ['release-not-found', 'same-app'],
});

export const rollBack = defineRoute({
  id: 'rollBack',
  method: 'POST',
  path: '/v1/apps/{app}/rollback',
  reads: true,
  summary: 'Bring image, processes and config of an earlier release back, as a new release',
  tag,
  params: appParam,
  body: z.strictObject({
    version: z
      .number()
      .int()
      .min(1)
      .optional()
      .describe('Default: the newest kept release before the live one that was live, too.'),
  }),
  answer: {
    status: 202,
    description: 'The new release is on its way; follow progress with `deploy`.',
    schema: changed
      .extend({ release: version, rollbackOf: version, deployId: id })
      .meta({ id: 'RolledBack' }),
  },
  refuses: [
    'release-not-found',
    'release-already-live',
    'nothing-deployed',
    'nothing-to-roll-back-to',
  ],
});
