import { z } from 'zod';
import { BASIC_AUTH_USER_COUNT_MAX } from '@shiplog/domain';
import { basicAuthUser } from '@shiplog/events';
import { appParam, changed } from '../http/fields.js';
import { defineRoute } from '../http/route.js';
import { PASSWORD_BYTES_MAX, PASSWORD_LENGTH_MIN } from './password-hash.js';

const tag = 'apps';

const password = z
  .string()
  .min(PASSWORD_LENGTH_MIN, `at least ${PASSWORD_LENGTH_MIN} characters`)
  .refine(
    (text) => Buffer.byteLength(text.normalize('NFC')) <= PASSWORD_BYTES_MAX,
    `at most ${PASSWORD_BYTES_MAX} bytes`,
  )
  .refine((text) => !/\p{Cc}/u.test(text), 'a text without control characters');

const basicAuth = z
  .object({
    users: z.array(z.string()).describe('Names, ascending; empty: everyone reaches the app.'),
    passesHeader: z
      .boolean()
      .describe('Whether the app sees the `Authorization` that a client logged in with.'),
  })
  .meta({ id: 'BasicAuth' });

export const showBasicAuth = defineRoute({
  id: 'showBasicAuth',
  method: 'GET',
  path: '/v1/apps/{app}/basic-auth',
  summary: 'Show who may send requests to an app; passwords are not kept',
  tag,
  params: appParam,
  shows: true,
  answer: { status: 200, description: 'Names of users.', schema: basicAuth },
});

export const changeBasicAuth = defineRoute({
  id: 'changeBasicAuth',
  method: 'PATCH',
  path: '/v1/apps/{app}/basic-auth',
  summary: 'Change who may send requests to an app; nothing is rolled out',
  tag,
  params: appParam,
  body: z
    .strictObject({
      set: z
        .record(basicAuthUser, password)
        .default({})
        .refine(
          (users) => Object.keys(users).length <= BASIC_AUTH_USER_COUNT_MAX,
          `at most ${BASIC_AUTH_USER_COUNT_MAX} users`,
        )
        .describe('Passwords by name: of new users, or another one of those that there are.'),
      unset: z
        .array(basicAuthUser)
        .max(BASIC_AUTH_USER_COUNT_MAX)
        .default([])
        .describe('Names that may not any more.'),
      passesHeader: z
        .boolean()
        .optional()
        .describe(
          'Whether the app sees the `Authorization`. Absent: as before; at first it does not.',
        ),
      open: z
        .boolean()
        .default(false)
        .describe('The last user may be taken away: everyone reaches the app.'),
    })
    .refine(
      ({ set, unset, passesHeader }) =>
        Object.keys(set).length + unset.length > 0 || passesHeader !== undefined,
      'name at least one user to set or to unset: {"set": {"ann": "…"}}',
    )
    .refine(
      ({ set, unset }) => unset.every((user) => !Object.hasOwn(set, user)),
      'a user is set or unset, not both',
    ),
  answer: {
    status: 200,
    description: 'As it is from now on; routers have it within milliseconds.',
    schema: changed.extend(basicAuth.shape).meta({ id: 'ChangedBasicAuth' }),
  },
  refuses: [
    'basic-auth-user-not-found',
    'basic-auth-would-end',
    'too-many-basic-auth-users',
    'key-missing',
  ],
});
