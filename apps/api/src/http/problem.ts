import { PROBLEMS, type ProblemCode } from './problem-codes.js';

/** One field that is wrong: where it stands, and what would be right. */
export interface FieldError {
  /** `body.formation.web`, `query.at`, `headers.if-match`. */
  readonly path: string;
  readonly message: string;
}

interface ProblemExtras {
  readonly errors?: readonly FieldError[];
  /** More members of the problem document, for programs. None may take the place of one it has. */
  readonly members?: Readonly<Record<string, unknown>> & {
    readonly [K in 'type' | 'title' | 'status' | 'detail' | 'code' | 'errors']?: never;
  };
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** A refusal as the caller gets it (RFC 9457). `detail` says what was wrong, where, and what would be right. */
export class Problem extends Error {
  constructor(
    readonly code: ProblemCode,
    readonly detail: string,
    readonly extras: ProblemExtras = {},
  ) {
    super(`${code}: ${detail}`, { cause: extras.cause });
    this.name = 'Problem';
  }

  get status(): number {
    return PROBLEMS[this.code].status;
  }

  /** The document: the members of RFC 9457 first, then ours. */
  toDocument(): Record<string, unknown> {
    return {
      type: `urn:shiplog:problem:${this.code}`,
      title: PROBLEMS[this.code].title,
      status: this.status,
      detail: oneLine(this.detail),
      code: this.code,
      ...this.extras.members,
      ...(this.extras.errors === undefined ? {} : { errors: this.extras.errors }),
    };
  }
}

/** Details quote what a caller sent: in a terminal it must not begin a line or move the cursor. */
const oneLine = (text: string): string =>
  text.replace(/[\r\n\u2028\u2029]+/g, ' ').replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, '?');
