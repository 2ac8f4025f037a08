import { z } from 'zod';
import { imageRef } from '@shiplog/events';
import {
  appParam,
  changed,
  count,
  explanation,
  flag,
  id,
  idParam,
  pageLimit,
  reason,
  time,
  version,
} from '../http/fields.js';
import { defineRoute } from '../http/route.js';

const tag = 'builds';

const buildParams = { ...appParam, build: idParam.describe('Id of the build.') };

const requestedSource = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('archive'),
    digest: z
      .string()
      .regex(/^sha256:[0-9a-f]{64}$/, '"sha256:" and 64 hexadecimal digits')
      .describe('What POST …/sources answered.'),
    via: z.literal('upload').default('upload'),
    commit: z
      .string()
      .regex(/^[0-9a-f]{40,64}$/, 'a full commit id')
      .nullable()
      .default(null),
    branch: z
      .string()
      .max(250)
      .regex(/^[^\p{Cc}]*$/u, 'a branch name without control characters')
      .nullable()
      .default(null),
  }),
  z.strictObject({
    kind: z.literal('image'),
    ref: imageRef.describe('As the engine parses it: registry.example.com/team/app:1.2'),
  }),
]);

export const build = z
  .object({
    id,
    state: z.enum(['requested', 'running', 'succeeded', 'failed', 'cancelled']),
    source: z.object({
      kind: z.enum(['archive', 'image']),
      digest: z.string().nullable(),
      via: z.enum(['git', 'upload']).nullable(),
      commit: z.string().nullable(),
      branch: z.string().nullable(),
      ref: z.string().nullable(),
    }),
    cancelRequested: z.boolean(),
    image: z.string().nullable().describe('What was made.'),
    release: version.nullable().describe('The release that was cut from it.'),
    createdAt: time,
    createdBy: z.string(),
    reason,
    startedAt: time.nullable(),
    finishedAt: time.nullable(),
    durationMs: z.number().nullable(),
    stack: z.enum(['dockerfile', 'node', 'image']).nullable().describe('How it was built.'),
    processes: z.array(z.string()).nullable().describe('Process types that were found.'),
    explanation: explanation.nullable().describe('Why it failed, or why its image is gone.'),
  })
  .meta({ id: 'Build' });

export const uploadSource = defineRoute({
  id: 'uploadSource',
  method: 'POST',
  path: '/v1/apps/{app}/sources',
  summary: 'Store a source archive (tar, also gzip) for a build',
  tag,
  params: appParam,
  streamed: ['application/x-tar', 'application/gzip', 'application/octet-stream'],
  answer: {
    status: 201,
    description: 'Kept by its digest; the same content twice is one file.',
    schema: z.object({ digest: z.string(), bytes: z.number() }).meta({ id: 'StoredSource' }),
  },
  refuses: ['source-invalid', 'storage-full', 'body-too-large'],
});

export const requestBuild = defineRoute({
  id: 'requestBuild',
  method: 'POST',
  path: '/v1/apps/{app}/builds',
  summary: 'Deploy: build a source, or take an image, and release what comes of it',
  tag,
  params: appParam,
  body: z.strictObject({ source: requestedSource }),
  answer: {
    status: 202,
    description: 'Asked for; follow progress with `build`.',
    schema: changed.extend({ buildId: id }).meta({ id: 'RequestedBuild' }),
  },
  refuses: ['source-not-found'],
});

export const listBuilds = defineRoute({
  id: 'listBuilds',
  method: 'GET',
  path: '/v1/apps/{app}/builds',
  summary: 'List builds, newest first',
  tag,
  params: appParam,
  query: { limit: pageLimit },
  shows: true,
  answer: { status: 200, description: 'Newest first.', schema: z.array(build) },
});

export const showBuild = defineRoute({
  id: 'showBuild',
  method: 'GET',
  path: '/v1/apps/{app}/builds/{build}',
  summary: 'Show one build',
  tag,
  params: buildParams,
  shows: true,
  answer: { status: 200, description: 'The build.', schema: build },
  refuses: ['build-not-found'],
});

export const cancelBuild = defineRoute({
  id: 'cancelBuild',
  method: 'POST',
  path: '/v1/apps/{app}/builds/{build}/cancel',
  summary: 'Cancel a build',
  tag,
  params: buildParams,
  body: z.strictObject({}),
  answer: { status: 202, description: 'Asked for.', schema: changed },
  refuses: ['build-not-found', 'build-not-running'],
});

export const buildOutput = defineRoute({
  id: 'buildOutput',
  method: 'GET',
  path: '/v1/apps/{app}/builds/{build}/output',
  summary: 'What a build printed, and goes on printing with `follow`',
  tag,
  params: buildParams,
  query: {
    follow: flag,
    after: count(999_999_999, 0).describe('Lines up to this number are left out.'),
  },
  answer: {
    status: 200,
    description: 'One line of output per line; ends with the build.',
    schema: z.object({ n: z.number().int(), text: z.string() }).meta({ id: 'OutputLine' }),
    contentType: 'application/x-ndjson',
  },
  refuses: ['build-not-found', 'worker-unreachable'],
});
