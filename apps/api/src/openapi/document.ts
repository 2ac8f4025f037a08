import { z } from 'zod';
import { createDocument, type ZodOpenApiObject, type ZodOpenApiOperationObject } from 'zod-openapi';
import { PROBLEMS, type ProblemCode } from '../http/problem-codes.js';
import type { AnyRoute } from '../http/route.js';
import { ROUTES } from '../http/routes.js';

const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    detail: z.string().describe('What was wrong, where, and what would be right.'),
    code: z.string().describe('Stable word for programs.'),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457' });

const showing = {
  at: z.string().optional().describe('The past: a sequence, a log position, or a time (ISO 8601).'),
  atLeast: z.string().optional().describe('Wait until this sequence is in the answer.'),
};

const changing = {
  'Idempotency-Key': z
    .string()
    .optional()
    .describe('The same key again is the same change, carried out once.'),
  'If-Match': z.string().optional().describe('The revision the change is meant for.'),
  'Shiplog-Reason': z.string().optional().describe('Why; percent-encoded UTF-8.'),
  'Shiplog-Override': z
    .string()
    .optional()
    .describe('What is put aside for this change: lock, freeze, or both. Needs a reason.'),
};

const headersOf = ({ method, changes }: AnyRoute) => {
  if (changes) return { header: z.object(changing) };
  const { 'Shiplog-Reason': reason } = changing;
  return method === 'GET' ? {} : { header: z.object({ 'Shiplog-Reason': reason }) };
};

const BY_EVERY_OPERATION: readonly ProblemCode[] = [
  'unauthenticated',
  'token-scope',
  'invalid-input',
  'internal',
];
const BY_CHANGES: readonly ProblemCode[] = [
  'idempotency-key-reused',
  'revision-conflict',
  'log-unavailable',
  'too-many-changes',
  'outcome-unknown',
  'not-caught-up',
  'storage-full',
];
const BY_BODIES: readonly ProblemCode[] = [
  'body-not-json',
  'invalid-body',
  'body-too-large',
  'unsupported-media-type',
];
const BY_STREAMED_BODIES: readonly ProblemCode[] = [
  'bad-request',
  'body-too-large',
  'unsupported-media-type',
];

/** `Map.groupBy` came with Node.js 21. */
const groupBy = <K, V>(values: readonly V[], keyOf: (value: V) => K): Map<K, V[]> => {
  const groups = new Map<K, V[]>();
  for (const value of values)
    groups.set(keyOf(value), [...(groups.get(keyOf(value)) ?? []), value]);
  return groups;
};

const codesOf = (route: AnyRoute): ProblemCode[] => {
  const codes = [
    ...BY_EVERY_OPERATION,
    ...(route.access === 'app' ? (['app-not-found'] as const) : []),
    ...(route.access === 'administrator' ? (['not-administrator'] as const) : []),
    ...(route.body === undefined ? [] : BY_BODIES),
    ...(route.streamed === undefined ? [] : BY_STREAMED_BODIES),
    ...(route.changes ? BY_CHANGES : []),
    ...(route.shows ? (['moment-unknown', 'not-caught-up'] as const) : []),
    ...(route.reads ? (['not-caught-up'] as const) : []),
    ...route.refuses,
  ];
  return [...new Set(codes)];
};

const refusals = (route: AnyRoute): ZodOpenApiOperationObject['responses'] => {
  const byStatus = groupBy(codesOf(route), (code) => PROBLEMS[code].status);
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [
      String(status),
      {
        description: codes.join(', '),
        content: { 'application/problem+json': { schema: problem } },
      },
    ]),
  );
};

const requestBody = (route: AnyRoute): Pick<ZodOpenApiOperationObject, 'requestBody'> => {
  if (route.streamed !== undefined) {
    const binary = { schema: { type: 'string', format: 'binary' } as const };
    const content = Object.fromEntries(route.streamed.map((type) => [type, binary]));
    return { requestBody: { required: true, content } };
  }
  return route.body === undefined
    ? {}
    : { requestBody: { content: { 'application/json': { schema: route.body } } } };
};

const operation = (route: AnyRoute): ZodOpenApiOperationObject => {
  const { status, description, schema, contentType = 'application/json' } = route.answer;
  const query = { ...route.query, ...(route.shows ? showing : {}) };
  return {
    operationId: route.id,
    summary: route.summary,
    tags: [route.tag],
    ...(route.access === 'public' ? { security: [] } : {}),
    requestParams: {
      path: z.object(route.params),
      query: z.object(query),
      ...headersOf(route),
    },
    ...requestBody(route),
    responses: {
      [String(status) as '200']: {
        description,
        ...(schema === undefined ? {} : { content: { [contentType]: { schema } } }),
      },
      ...refusals(route),
    },
  };
};

const paths = (): NonNullable<ZodOpenApiObject['paths']> => {
  const byPath = groupBy(ROUTES, (route) => route.path);
  return Object.fromEntries(
    [...byPath].map(([path, routes]) => [
      path,
      Object.fromEntries(routes.map((route) => [route.method.toLowerCase(), operation(route)])),
    ]),
  );
};

const DESCRIPTION = `Commands answer with the \`sequence\` at which they lie in the log; pass it as \`atLeast\` to see them in a query.

Terminals are WebSockets: \`/v1/apps/{app}/run\` and \`/v1/apps/{app}/instances/{instance}/exec\`. \`Shiplog-Reason\` says why, for the audit. The first message of the client is JSON: \`{"command": ["sh"], "tty": true, "columns": 80, "rows": 24}\` (\`run\` also takes \`detach\` and \`env\`). After it, binary messages are the input; \`{"resize": {"columns": 100, "rows": 30}}\` and \`{"stdinEnd": true}\` are JSON. Binary messages of the server begin with a byte 1 (standard output) or 2 (standard error); the last message is \`{"exitCode": 0}\` or \`{"error": {"code": "…", "message": "…"}}\`.`;

/** The OpenAPI 3.1 document of exactly the routes that are served. */
export const openApiDocument = (version: string): ReturnType<typeof createDocument> =>
  createDocument({
    openapi: '3.1.0',
    info: { title: 'Shiplog', version, description: DESCRIPTION },
    servers: [{ url: '/' }],
    security: [{ token: [] }],
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer', bearerFormat: 'shp_…' } },
    },
    paths: paths(),
  });
