import { z } from 'zod';
import { REDIRECT_STATUSES } from '@shiplog/events';
import { appParam, changed, time } from '../http/fields.js';
import { defineRoute } from '../http/route.js';

const tag = 'domains';
const domainParams = {
  ...appParam,
  host: z
    .string()
    .describe(
      'Domain: a host such as www.example.com, a wildcard such as *.example.com, each with a path (/api) or ' +
        'without. Letters outside ASCII may be typed as they are.',
    ),
};

const redirect = z.strictObject({
  to: z.string().max(253).describe('Host that clients are sent to; path and query stay.'),
  status: z.literal(REDIRECT_STATUSES),
});

const ownership = z
  .object({
    status: z
      .enum(['not-demanded', 'pending', 'failed', 'verified'])
      .describe(
        'Has the team proven that the host is theirs? pending: it was not looked for yet; failed: it was, and was not found. ' +
          'Routers answer for a domain where this is not-demanded or verified.',
      ),
    record: z
      .object({ name: z.string(), value: z.string() })
      .nullable()
      .describe('The TXT record that proves it; null where nothing has to be proven.'),
    until: time.nullable().describe('Not proven until then, the domain is given up.'),
    lookedAt: time.nullable().describe('When it was looked for last.'),
    reason: z.string().nullable().describe('What was found instead, the last time.'),
  })
  .meta({ id: 'DomainOwnership' });

const domain = z
  .object({
    host: z.string().describe('The domain in ASCII, as it is routed.'),
    unicode: z.string().describe('The same as a person reads it.'),
    url: z.string(),
    addedAt: time.nullable(),
    kind: z.enum(['default', 'custom']).describe('default: <app>.<domain of the platform>.'),
    strip: z.boolean().describe('The app sees paths without the path of the domain.'),
    ownership,
    redirect: redirect.nullable().describe('Where clients are sent; null: the app answers.'),
  })
  .meta({ id: 'Domain' });

const body = z.strictObject({
  strip: z
    .boolean()
    .optional()
    .describe('The app sees paths without the path of the domain. Default: false.'),
  redirect: z
    .strictObject({ ...redirect.shape, status: redirect.shape.status.optional() })
    .optional()
    .describe('Clients are sent there instead; status: 308 unless said. Default: the app answers.'),
  www: z
    .enum(['redirect', 'serve', 'none'])
    .optional()
    .describe(
      'The sister with or without "www." comes along: redirect: it leads here; serve: the app answers there, too. ' +
        'Default: none.',
    ),
});
export type AddedDomainBody = z.infer<typeof body>;

export const listDomains = defineRoute({
  id: 'listDomains',
  method: 'GET',
  path: '/v1/apps/{app}/domains',
  summary: 'List the domains at which an app answers',
  tag,
  params: appParam,
  shows: true,
  answer: { status: 200, description: 'The default host first.', schema: z.array(domain) },
});

export const addDomain = defineRoute({
  id: 'addDomain',
  method: 'PUT',
  path: '/v1/apps/{app}/domains/{host}',
  summary: 'Let an app answer at a domain, too, or change what is done with it',
  tag,
  params: domainParams,
  body,
  answer: {
    status: 200,
    description: 'It holds as soon as routers have confirmed.',
    schema: changed.extend(domain.shape).meta({ id: 'AddedDomain' }),
  },
  refuses: ['domain-taken', 'domain-of-platform', 'too-many-domains', 'redirect-loop'],
});

export const checkDomain = defineRoute({
  id: 'checkDomain',
  method: 'POST',
  path: '/v1/apps/{app}/domains/{host}/check',
  // A look: what it finds is written, where there is anything to prove.
  changes: false,
  summary: "Look now for the DNS record that proves that a domain is the team's",
  tag,
  params: domainParams,
  body: z.strictObject({}),
  answer: {
    status: 200,
    description: 'What was found.',
    schema: changed.extend({ host: z.string(), ownership }).meta({ id: 'CheckedDomain' }),
  },
  refuses: ['domain-not-on-app'],
});

export const removeDomain = defineRoute({
  id: 'removeDomain',
  method: 'DELETE',
  path: '/v1/apps/{app}/domains/{host}',
  summary: 'Take a domain away from an app; it becomes free',
  tag,
  params: domainParams,
  answer: { status: 200, description: 'Removed.', schema: changed },
  refuses: ['domain-not-on-app'],
});
