import { z } from 'zod';
import { trafficPolicy } from '@shiplog/events';
import { TRAFFIC_PARTS } from '@shiplog/domain';
import { appParam, changed } from '../http/fields.js';
import { defineRoute } from '../http/route.js';

const tag = 'apps';

export const policy = trafficPolicy
  .describe('What is absent is not done, or done as for every app.')
  .meta({ id: 'TrafficPolicy' });

export const showTraffic = defineRoute({
  id: 'showTrafficPolicy',
  method: 'GET',
  path: '/v1/apps/{app}/traffic-policy',
  summary: 'Show what the router does with the requests of an app',
  tag,
  params: appParam,
  shows: true,
  answer: {
    status: 200,
    description: 'The whole policy; empty where none is set.',
    schema: policy,
  },
});

export const changeTraffic = defineRoute({
  id: 'changeTrafficPolicy',
  method: 'PATCH',
  path: '/v1/apps/{app}/traffic-policy',
  summary: 'Change what the router does with the requests of an app; nothing is rolled out',
  tag,
  params: appParam,
  body: z
    .strictObject({
      set: trafficPolicy.default({}).describe('Each part that is named is replaced as a whole.'),
      unset: z
        .array(z.enum(TRAFFIC_PARTS))
        .default([])
        .describe('Parts that are as for every app again.'),
    })
    .refine(
      ({ set, unset }) => Object.keys(set).length + unset.length > 0,
      'name at least one part to set or to unset: {"set": {"bodyBytes": 1048576}}',
    )
    .refine(
      ({ set, unset }) => unset.every((part) => !Object.hasOwn(set, part)),
      'a part is set or unset, not both',
    ),
  answer: {
    status: 200,
    description: 'The whole policy from now on; routers have it within milliseconds.',
    schema: changed.extend({ policy }).meta({ id: 'ChangedTrafficPolicy' }),
  },
});
