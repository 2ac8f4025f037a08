/** An error as the API sends it: RFC 9457 plus a stable `code` for programs. */
export interface Problem {
  readonly type?: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail?: string;
  /** What would be right, or the next step. */
  readonly remedy?: string;
  /** Fields of the request that were wrong (`body.formation.web`), and what would be right. */
  readonly errors?: readonly { readonly path?: string; readonly message: string }[];
  readonly [extension: string]: unknown;
}

/** The API answered, and the answer is no. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  constructor(readonly problem: Problem) {
    super(problem.detail ?? problem.title);
    this.name = 'ApiError';
    this.status = problem.status;
    this.code = problem.code;
  }
}

/** No answer, and nothing can have changed: the request did not arrive, or only asked. */
export class UnreachableError extends Error {
  readonly code: string = 'unreachable';
  constructor(
    readonly url: string,
    options: { cause: unknown },
  ) {
    super(`no answer from ${url}: ${reasonOf(options.cause)}`, options);
    this.name = 'UnreachableError';
  }
}

/** A stream that ended before its end was said. Opening it again is safe. */
export class ConnectionLostError extends UnreachableError {
  override readonly code = 'connection-lost';
}

/** `code` of an error that a request's own body throws: it reaches the caller as it is. */
export const UNREADABLE_BODY = 'source-unreadable';

/** A name that cannot be a segment of a path: it would address something else. */
export class UnusableNameError extends Error {
  readonly code = 'invalid-name';
  constructor(name: string) {
    super(name === '' ? 'a name is empty' : `"${name}" cannot be a name`);
    this.name = 'UnusableNameError';
  }
}

/** A change was sent and no answer came back: it may or may not have been made. */
export class OutcomeUnknownError extends Error {
  readonly code: string = 'outcome-unknown';
  constructor(doing: string, options: { cause: unknown }) {
    super(`${doing}: ${reasonOf(options.cause)}`, options);
    this.name = 'OutcomeUnknownError';
  }
}

/** The innermost reason: Node.js wraps the one that helps ("connect ECONNREFUSED …") in "fetch failed". */
const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  if (error.cause !== undefined && error.cause !== null) return reasonOf(error.cause);
  // OpenSSL's own message names its source files; what it means stands beside it.
  if ('reason' in error && typeof error.reason === 'string' && 'library' in error)
    return `TLS: ${error.reason}; does it speak https://?`;
  return error.message === '' ? error.name : error.message;
};

/** Reads an error answer, also one that does not come from Shiplog (a proxy, another server). */
export const readProblem = (status: number, body: string, url: string): Problem => {
  const parsed = parseObject(body);
  if (parsed !== undefined && typeof parsed['code'] === 'string') {
    return {
      ...parsed,
      code: parsed['code'],
      status,
      title: typeof parsed['title'] === 'string' ? parsed['title'] : `HTTP ${status}`,
    };
  }
  return {
    title: `HTTP ${status}`,
    status,
    code: 'not-a-shiplog-answer',
    detail: `${url} answered HTTP ${status} without saying why; is it the address of a Shiplog API?`,
  };
};

const parseObject = (text: string): Record<string, unknown> | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? { ...value }
      : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
};
