import { z } from 'zod';
import { processType } from '@shiplog/events';
import { appParam, changed } from '../http/fields.js';
import { defineRoute } from '../http/route.js';
import { tcpPort } from './ports-shown.js';

const tag = 'ports';
const number = z.number().int().min(1).max(65_535);
const portParams = {
  ...appParam,
  port: z.string().describe('Port of the router: a number within SHIPLOG_TCP_PORTS.'),
};

const body = z.strictObject({
  process: processType
    .default('web')
    .describe('Process type that connections go to. Default: web.'),
  containerPort: number
    .nullable()
    .default(null)
    .describe(
      'Where the process listens in its container, 1 to 65535. Default for web: its own port (setting `port`); other process types have to say it.',
    ),
});

export const listPorts = defineRoute({
  id: 'listPorts',
  method: 'GET',
  path: '/v1/apps/{app}/ports',
  summary: 'List the TCP ports of the router that lead to an app',
  tag,
  params: appParam,
  shows: true,
  answer: { status: 200, description: 'By number.', schema: z.array(tcpPort) },
});

export const addPort = defineRoute({
  id: 'addPort',
  method: 'PUT',
  path: '/v1/apps/{app}/ports/{port}',
  summary: 'Lead TCP connections at a port of the router to a process of an app',
  tag,
  params: portParams,
  body,
  answer: {
    status: 200,
    description:
      'Routers listen there at once. Instances of a process type that had no port are replaced first.',
    schema: changed.extend(tcpPort.shape).meta({ id: 'AddedPort' }),
  },
  refuses: [
    'port-taken',
    'port-in-use',
    'port-not-allowed',
    'router-cannot',
    'container-port-missing',
    'process-type-unknown',
    'policy-beside-port',
    'too-many-ports',
  ],
});

export const removePort = defineRoute({
  id: 'removePort',
  method: 'DELETE',
  path: '/v1/apps/{app}/ports/{port}',
  summary: 'Take a TCP port of the router away from an app; it becomes free',
  tag,
  params: portParams,
  answer: { status: 200, description: 'Removed.', schema: changed },
  refuses: ['port-not-on-app'],
});
