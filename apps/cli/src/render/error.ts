import { ApiError, OutcomeUnknownError, type Problem } from '@shiplog/api-client';
import type { Colors } from 'picocolors/types.js';
import { CliError, exitCodeOf } from '../exit-code.js';
import { ChangeFailedError } from '../progress/follow-progress.js';
import { renderExplanation } from './explanation.js';
import { printable, printableLine } from './printable.js';

/** The error as a program gets it: the document of the API as it came, or one made here. */
export const problemOf = (error: unknown): Problem & { readonly exitCode: number } => {
  const exitCode = exitCodeOf(error);
  if (error instanceof ApiError) {
    return { type: `urn:shiplog:problem:${error.code}`, ...error.problem, exitCode };
  }
  const code = codeOf(error);
  const remedy = remedyOf(error);
  return {
    type: `urn:shiplog:problem:${code}`,
    title: titleOf(code),
    status: 0,
    detail: error instanceof Error ? error.message : String(error),
    code,
    ...(remedy !== undefined && { remedy }),
    ...(error instanceof CliError && error.members),
    exitCode,
  };
};

/** The error as a person reads it: what is wrong, where, and what would be right. */
export const errorText = (error: unknown, colors: Colors): string => {
  const lines = [`${colors.red('Error:')} ${messageOf(error)}`];
  if (error instanceof ChangeFailedError && error.explanation !== undefined) {
    lines.push(renderExplanation(error.explanation, colors));
  }
  if (error instanceof ApiError && (error.problem.errors?.length ?? 0) > 1) {
    for (const { path, message } of error.problem.errors ?? []) {
      lines.push(`  ${printableLine(`${path === undefined ? '' : `${path}: `}${message}`)}`);
    }
  }
  const remedy = remedyOf(error);
  if (remedy !== undefined)
    lines.push(
      ...printable(remedy)
        .split('\n')
        .map((line) => `  ${line}`),
    );
  return lines.join('\n');
};

const messageOf = (error: unknown): string =>
  printable(error instanceof Error ? error.message : String(error));

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code.toLowerCase()
    : 'internal';

const TITLES: Readonly<Record<string, string>> = {
  usage: 'Wrong usage',
  unreachable: 'No answer from Shiplog',
  'connection-lost': 'The connection was lost',
  'outcome-unknown': 'The outcome is unknown',
  internal: 'Internal error of the command line program',
};
const titleOf = (code: string): string => TITLES[code] ?? code.replaceAll('-', ' ');

const remedyOf = (error: unknown): string | undefined => {
  if (error instanceof CliError) return error.remedy;
  if (error instanceof OutcomeUnknownError) {
    return 'It may have been done or not. Look before you repeat it: `shiplog events` and `shiplog doctor` tell.';
  }
  if (error instanceof ApiError) return error.problem.remedy ?? remedyOfProblem(error);
  if (codeOf(error) === 'unreachable') {
    return 'Is Shiplog running there? `npm start` starts it, `shiplog doctor` looks for the reason.\nThe address is that of SHIPLOG_URL, else of `shiplog context list`.';
  }
  return undefined;
};

const remedyOfProblem = ({ code }: ApiError): string | undefined => {
  switch (code) {
    case 'unauthenticated':
      return 'Log in with a token that is valid: shiplog login\nWhere SHIPLOG_TOKEN is set, that one is used, also for logging in.';
    case 'outcome-unknown':
      return 'Look before you repeat it: `shiplog events` shows whether it happened.';
    default:
      return undefined;
  }
};
