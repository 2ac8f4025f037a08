import { ApiError, OutcomeUnknownError, UnreachableError } from '@shiplog/api-client';

/** What scripts rely on (architecture section 7). */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  refused: 4,
  conflict: 5,
  unreachable: 6,
  unknown: 7,
  interrupted: 130,
} as const;

interface CliErrorOptions {
  readonly remedy?: string;
  readonly members?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** What the program itself refuses: `message` says what is wrong, `remedy` what would be right. */
export class CliError extends Error {
  readonly remedy: string | undefined;
  /** More members of the problem document, for programs. */
  readonly members: Readonly<Record<string, unknown>>;
  constructor(
    readonly exitCode: number,
    readonly code: string,
    message: string,
    options: CliErrorOptions = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'CliError';
    this.remedy = options.remedy;
    this.members = options.members ?? {};
  }
}

export const usageError = (message: string, remedy?: string): CliError =>
  new CliError(EXIT.usage, 'usage', message, remedy === undefined ? {} : { remedy });

/** Ctrl-C, as an error, so that everything under way ends by itself. */
export class InterruptedError extends Error {
  constructor() {
    super('interrupted');
    this.name = 'InterruptedError';
  }
}

const WRONG_INPUT = new Set([
  'bad-request',
  'invalid-input',
  'invalid-body',
  'body-not-json',
  'unsupported-media-type',
  'moment-unknown',
]);

export const exitCodeOf = (error: unknown): number => {
  if (error instanceof CliError) return error.exitCode;
  if (error instanceof OutcomeUnknownError) return EXIT.unknown;
  if (error instanceof UnreachableError) return EXIT.unreachable;
  if (error instanceof InterruptedError) return EXIT.interrupted;
  if (error instanceof ApiError) return exitCodeOfProblem(error.status, error.code);
  return EXIT.failed;
};

const exitCodeOfProblem = (status: number, code: string): number => {
  if (code === 'outcome-unknown') return EXIT.unknown;
  if (WRONG_INPUT.has(code)) return EXIT.usage;
  if (code === 'not-a-shiplog-answer') return EXIT.unreachable;
  if (status === 404 || status === 410) return EXIT.notFound;
  if (status === 409 || status === 412) return EXIT.conflict;
  if (status === 503 || status === 504) return EXIT.unreachable;
  return status >= 400 && status < 500 ? EXIT.refused : EXIT.failed;
};
