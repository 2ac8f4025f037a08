import { z } from 'zod';
import { accessLine, appTraffic } from '@shiplog/domain';
import { processType } from '@shiplog/events';
import { appParam, count, flag, id, idParam, time, version } from '../http/fields.js';
import { defineRoute } from '../http/route.js';

const tag = 'instances';

export const instance = z
  .object({
    id,
    process: z.string().describe('Process type.'),
    release: version,
    state: z
      .enum(['scheduled', 'starting', 'ready', 'unready', 'exited', 'retired', 'stopped'])
      .describe('unready: it runs, its health check failed, and no request goes to it.'),
    host: z.string().describe('Node on which it runs.'),
    port: z.number().int().nullable().describe('Published port on the node, on loopback.'),
    address: z.string().nullable().describe('IPv4, its own in the network of its team.'),
    containerId: z.string().nullable(),
    cpu: z.number().nullable().describe('Cores used just now; 0.5 is half of one.'),
    memoryBytes: z.number().nullable().describe('Memory used just now.'),
    restarts: z.number().int(),
    startedAt: time.nullable(),
    pids: z.number().nullable(),
    rxBytes: z.number().nullable().describe('Received since it started.'),
    txBytes: z.number().nullable().describe('Sent since it started.'),
    memoryLimitBytes: z.number(),
    resizeRefused: z
      .string()
      .nullable()
      .describe('Why its limits could not be changed the last time they should.'),
    exitCode: z.number().int().nullable().describe('Of its last end.'),
    oomKilled: z.boolean(),
    retireReason: z.string().nullable(),
    readyAt: time.nullable(),
    unready: z
      .object({
        at: time,
        cause: z
          .enum(['readiness', 'liveness', 'paused'])
          .describe('liveness: it is started again; paused: somebody froze its container.'),
        check: z.string().describe('What it was asked.'),
        got: z.string().describe('What came back.'),
      })
      .nullable()
      .describe('Why it is unready, while it is.'),
    lastAnswer: z
      .string()
      .nullable()
      .describe('What it answered just now, while it runs and is not ready.'),
    routed: z.boolean().describe('Do all routers send requests to it?'),
  })
  .meta({ id: 'Instance' });

export const listInstances = defineRoute({
  id: 'listInstances',
  method: 'GET',
  path: '/v1/apps/{app}/instances',
  summary: 'List instances with what they use just now',
  tag,
  params: appParam,
  shows: true,
  answer: {
    status: 200,
    description: 'By process and age. In the past, nothing is known of what they used.',
    schema: z.array(instance),
  },
});

const { appId: _appId, instance: _instance, time: _time, ...ofRequest } = accessLine.shape;

export const logLine = z
  .object({
    time,
    instance: z.string(),
    process: z.string(),
    stream: z.enum(['stdout', 'stderr', 'event']),
    text: z.string(),
    request: z
      .object(ofRequest)
      .optional()
      .describe('Of lines of type access: the request, without its query string.'),
  })
  .meta({ id: 'LogLine' });

export const readLogs = defineRoute({
  id: 'readLogs',
  method: 'GET',
  path: '/v1/apps/{app}/logs',
  summary: 'Read the log lines of an app, and go on reading with `follow`',
  tag,
  params: appParam,
  query: {
    follow: flag,
    tail: count(10_000, 100).describe('Newest lines per instance to begin with.'),
    process: processType.optional(),
    instance: idParam.optional(),
    type: z
      .enum(['app', 'access', 'start', 'operations'])
      .default('app')
      .describe(
        'app: what instances print; access: what clients asked for; start: why instances did not start; operations: what the platform did.',
      ),
  },
  answer: {
    status: 200,
    description: 'One line of log per line.',
    schema: logLine,
    contentType: 'application/x-ndjson',
  },
  refuses: ['instance-not-found', 'worker-unreachable'],
});

/** First message of a terminal session; see the description of the API for the messages after it. */
export const terminalRequest = z.strictObject({
  command: z
    .array(
      z
        .string()
        .max(100_000)
        .refine((word) => !word.includes('\0'), 'text without NUL'),
    )
    .min(1)
    .max(1000),
  tty: z.boolean().default(false),
  columns: z.number().int().min(1).max(10_000).default(80),
  rows: z.number().int().min(1).max(10_000).default(24),
});

export const showTraffic = defineRoute({
  id: 'showTraffic',
  method: 'GET',
  path: '/v1/apps/{app}/traffic',
  summary: 'Show what clients of an app felt in the last minute, by instance',
  tag,
  params: appParam,
  answer: {
    status: 200,
    description: 'Figures of the router: requests, errors, latency, what is under way.',
    schema: appTraffic.meta({ id: 'AppTraffic' }),
  },
  refuses: ['worker-unreachable'],
});
