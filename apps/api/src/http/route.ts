import type { z } from 'zod';
import type { ProblemCode } from './problem-codes.js';

type Fields = Record<string, z.ZodType>;
type Values<F extends Fields> = { [K in keyof F]: z.infer<F[K]> };
type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/**
 * Who may call it. `app`: whoever is in the team of the app in `{app}`; everybody else gets the same
 * 404 as for an app that does not exist.
 */
type Access = 'public' | 'user' | 'administrator' | 'app';

/** What comes back when it went well. */
interface AnswerShape<A extends z.ZodType = z.ZodType> {
  readonly status: 200 | 201 | 202 | 204;
  readonly description: string;
  readonly schema?: A;
  /** Default: application/json. Streams of lines are application/x-ndjson, one `schema` per line. */
  readonly contentType?: string;
}

/**
 * One operation of the API as data: what comes in is checked against it, the OpenAPI document is made
 * from it, and so the client of the CLI. Nothing is said twice.
 */
export interface Route<
  P extends Fields = Fields,
  Q extends Fields = Fields,
  B extends z.ZodType = z.ZodType,
  A extends z.ZodType = z.ZodType,
> {
  /** `operationId`: a verb and a noun. */
  readonly id: string;
  readonly method: Method;
  /** With parameters in braces: `/v1/apps/{app}`. */
  readonly path: string;
  readonly summary: string;
  readonly tag: string;
  readonly access: Access;
  readonly params: P;
  readonly query: Q;
  /** JSON body; an absent one counts as `{}`. */
  readonly body: B | undefined;
  /** A body that is read by the handler itself, of one of these media types. */
  readonly streamed: readonly string[] | undefined;
  readonly answer: AnswerShape<A>;
  /** Takes Idempotency-Key, If-Match and Shiplog-Reason, and answers with the position of the change. */
  readonly changes: boolean;
  /** Takes `at` and `atLeast`. */
  readonly shows: boolean;
  /** Looks at documents. A command that does not goes on without the database that holds them. */
  readonly reads: boolean;
  /** What it may refuse with, beside what every operation may. */
  readonly refuses: readonly ProblemCode[];
}
export type AnyRoute = Route<Fields, Fields, z.ZodType, z.ZodType>;

interface Definition<
  P extends Fields,
  Q extends Fields,
  B extends z.ZodType,
  A extends z.ZodType,
> extends Pick<Route, 'id' | 'method' | 'path' | 'summary' | 'tag'> {
  readonly access?: Access;
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  readonly streamed?: readonly string[];
  readonly answer: AnswerShape<A>;
  readonly changes?: boolean;
  readonly shows?: boolean;
  readonly reads?: boolean;
  readonly refuses?: readonly ProblemCode[];
}

export const defineRoute = <
  P extends Fields = Record<never, never>,
  Q extends Fields = Record<never, never>,
  B extends z.ZodType = z.ZodUndefined,
  A extends z.ZodType = z.ZodType,
>(
  definition: Definition<P, Q, B, A>,
): Route<P, Q, B, A> => ({
  access: 'app',
  params: {} as P,
  query: {} as Q,
  body: undefined,
  streamed: undefined,
  // Every command may be repeated and explained; every look may be into the past.
  changes: definition.method !== 'GET',
  shows: false,
  reads: definition.method === 'GET',
  refuses: [],
  ...definition,
});

export type ParamsOf<R> =
  R extends Route<infer P, infer _Q, infer _B, infer _A> ? Values<P> : never;
export type QueryOf<R> = R extends Route<infer _P, infer Q, infer _B, infer _A> ? Values<Q> : never;
export type BodyOf<R> = R extends Route<infer _P, infer _Q, infer B, infer _A> ? z.infer<B> : never;
export type AnswerOf<R> =
  R extends Route<infer _P, infer _Q, infer _B, infer A> ? z.infer<A> : never;

/** `/v1/apps/{app}` as Express writes it: `/v1/apps/:app`. */
export const expressPath = (path: string): string => path.replace(/\{(\w+)\}/g, ':$1');

/** Matches concrete paths of a route, for telling "no such address" from "not with this method". */
export const pathPattern = (path: string): RegExp =>
  new RegExp(`^${path.replace(/[.]/g, '\\.').replace(/\{\w+\}/g, '[^/]+')}/?$`);
