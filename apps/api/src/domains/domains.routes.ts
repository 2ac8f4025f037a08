import { z } from 'zod';
import { appParam, changed, time } from '../http/fields.js';
import { defineRoute } from '../http/route.js';

const tag = 'domains';
const domainParams = {
  ...appParam,
  host: z.string().describe('Host name, such as www.example.com.'),
};

const domain = z
  .object({
    host: z.string(),
    url: z.string(),
    addedAt: time.nullable(),
    kind: z.enum(['default', 'custom']).describe('default: <app>.<domain of the platform>.'),
  })
  .meta({ id: 'Domain' });

export const listDomains = defineRoute({
  id: 'listDomains',
  method: 'GET',
  path: '/v1/apps/{app}/domains',
  summary: 'List the hosts at which an app answers',
  tag,
  params: appParam,
  shows: true,
  answer: { status: 200, description: 'The default host first.', schema: z.array(domain) },
});

export const addDomain = defineRoute({
  id: 'addDomain',
  method: 'PUT',
  path: '/v1/apps/{app}/domains/{host}',
  summary: 'Let an app answer at a host, too',
  tag,
  params: domainParams,
  body: z.strictObject({}),
  answer: {
    status: 200,
    description: 'The app answers there as soon as routers have confirmed.',
    schema: changed.extend(domain.shape).meta({ id: 'AddedDomain' }),
  },
  refuses: ['domain-taken', 'domain-of-platform', 'too-many-domains'],
});

export const removeDomain = defineRoute({
  id: 'removeDomain',
  method: 'DELETE',
  path: '/v1/apps/{app}/domains/{host}',
  summary: 'Take a host away from an app; it becomes free',
  tag,
  params: domainParams,
  answer: { status: 200, description: 'Removed.', schema: changed },
  refuses: ['domain-not-on-app'],
});
