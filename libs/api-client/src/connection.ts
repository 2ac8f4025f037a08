import { randomUUID } from 'node:crypto';
import createFetchClient, { type Client } from 'openapi-fetch';
import { ApiError, readProblem, UnusableNameError } from './problem.js';
import { DEFAULT_RETRY, retryingFetch, type RetryPolicy } from './retry.js';
import type { paths } from './schema.js';
import type { StreamRequest } from './stream.js';

export interface ConnectionOptions {
  /** Address of the API, such as http://127.0.0.1:4600; a path in it is kept. */
  readonly url: string;
  readonly token: string;
  readonly userAgent?: string;
  readonly retry?: RetryPolicy;
  readonly signal?: AbortSignal;
}

/** What goes along with a change. */
export interface ChangeOptions {
  /** Why, in the words of a person; kept in the log. */
  readonly reason?: string;
  /** Revision the change is meant for; another one makes it a conflict. */
  readonly ifMatch?: string;
  /** What is put aside for it: needs a reason. */
  readonly override?: readonly ('lock' | 'freeze')[];
  /** The same key is the same change, however often it is sent. Default: a new random one. */
  readonly idempotencyKey?: string;
}

/** What goes along with a look. */
export interface ReadOptions {
  /** A time or a sequence: shows the past. */
  readonly at?: string;
  /** Waits until this sequence is in the answer. */
  readonly atLeast?: string;
}

export interface Connection {
  readonly url: string;
  readonly fetch: Client<paths>;
  readonly signal: AbortSignal | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly retry: RetryPolicy;
  /** A request outside of `fetch`: for streams and WebSockets. */
  stream(path: string, query?: Query, extra?: Partial<StreamRequest>): StreamRequest;
}
export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export const connect = (options: ConnectionOptions): Connection => {
  const url = options.url.replace(/\/+$/, '');
  const retry = options.retry ?? DEFAULT_RETRY;
  const headers = {
    Authorization: `Bearer ${options.token}`,
    'User-Agent': options.userAgent ?? 'shiplog-api-client',
  };
  return {
    url,
    headers,
    retry,
    signal: options.signal,
    fetch: createFetchClient<paths>({
      baseUrl: url,
      headers,
      fetch: retryingFetch(retry, options.signal),
      pathSerializer: (path, values) => fillPath(path, values),
    }),
    stream: (path, query = {}, extra = {}) => ({
      url: withQuery(`${url}${path}`, query),
      method: 'GET',
      headers: { ...headers, ...extra.headers },
      ...(options.signal !== undefined && { signal: options.signal }),
      ...(extra.method !== undefined && { method: extra.method }),
      ...(extra.body !== undefined && { body: extra.body }),
    }),
  };
};

/** `.` and `..` are resolved away by every URL parser, encoded or not; an empty one names the list. */
export const pathSegment = (name: string): string => {
  if (name === '' || name === '.' || name === '..') throw new UnusableNameError(name);
  return encodeURIComponent(name);
};

const fillPath = (path: string, values: Readonly<Record<string, unknown>>): string =>
  path.replace(/\{(\w+)\}/g, (_whole, name: string) => {
    const value = values[name];
    return pathSegment(typeof value === 'string' ? value : '');
  });

const withQuery = (address: string, query: Query): URL => {
  const url = new URL(address);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  return url;
};

/** Headers of a change. The reason is encoded: a header carries no umlaut and no line end. */
export const changeHeaders = (options: ChangeOptions): Record<string, string> => ({
  'Idempotency-Key': options.idempotencyKey ?? randomUUID(),
  ...reasonHeader(options.reason),
  ...(options.ifMatch !== undefined && { 'If-Match': options.ifMatch }),
  ...overrideHeader(options.override),
});

const overrideHeader = (override: ChangeOptions['override'] = []): Record<string, string> =>
  override.length === 0 ? {} : { 'Shiplog-Override': override.join(', ') };

/** The same, as the generated client takes them. */
export const change = (options: ChangeOptions): { readonly headers: Record<string, string> } => ({
  headers: changeHeaders(options),
});

/** Why, for what is no change: nothing there can be asked for twice by mistake. */
export type ReasonOptions = Pick<ChangeOptions, 'reason'>;

export const reasonHeader = (reason: string | undefined): Record<string, string> =>
  reason === undefined ? {} : { 'Shiplog-Reason': encodeURIComponent(reason) };

interface Answer<T> {
  readonly data?: T;
  readonly error?: unknown;
  readonly response: Response;
}

/** The value of an answer; an error answer is thrown as `ApiError`. */
export const valueOf = async <T>(answering: Promise<Answer<T>>, url: string): Promise<T> => {
  const { data, error, response } = await parsed(answering, url);
  if (data !== undefined && response.ok) return data;
  const body = typeof error === 'string' ? error : JSON.stringify(error ?? null);
  throw new ApiError(readProblem(response.status, body, url));
};

const parsed = async <T>(answering: Promise<Answer<T>>, url: string): Promise<Answer<T>> => {
  try {
    return await answering;
  } catch (error) {
    // A page of another server, answered with 200: not JSON.
    if (error instanceof SyntaxError) throw new ApiError(readProblem(200, '', url));
    throw error;
  }
};
