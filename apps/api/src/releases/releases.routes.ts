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
  answer: { status: 200, description: 'The release.', schema: release },
  refuses: ['release-not-found'],
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
