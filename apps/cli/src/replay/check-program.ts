import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { linesOf } from '@shiplog/api-client';
import { CliError, EXIT } from '../exit-code.js';
import type { Io } from '../io.js';

export interface Difference {
  readonly model: string;
  readonly key: string;
  readonly field: string | null;
  /** Absent where there is nothing. */
  readonly old?: unknown;
  readonly new?: unknown;
}

export interface CheckResult {
  readonly at: string;
  readonly from: 'tables' | 'log';
  readonly documents: number;
  readonly differences: readonly Difference[];
  readonly failures: readonly { model: string; sequence: string; problem: string }[];
}

type Line =
  | { readonly kind: 'progress'; readonly done: number; readonly total: number }
  | ({ readonly kind: 'result' } & CheckResult)
  | {
      readonly kind: 'problem';
      readonly status: number | null;
      readonly code: string;
      readonly message: string;
    };

interface Place {
  readonly home: string;
  readonly url: string;
  readonly token: string;
}

/** Runs the fold of this checkout in a process of its own, against a platform that may be of another one. */
export const runCheckProgram = async (
  io: Io,
  { home, url, token }: Place,
  tell: (done: number, total: number) => void,
): Promise<CheckResult> => {
  const program = join(dirname(io.executable), 'apps/api/dist/replay/check-main.js');
  if (!existsSync(program)) {
    throw new CliError(EXIT.failed, 'not-built', `this checkout is not built: no ${program}`, {
      remedy: `In ${dirname(io.executable)}: npm ci && npm run build`,
    });
  }
  const child = spawn(process.execPath, [program], {
    env: { ...io.env, SHIPLOG_HOME: home, SHIPLOG_URL: url, SHIPLOG_TOKEN: token },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: io.signal,
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-2_000)));
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  // Whoever reads its lines may meet its end first.
  ended.catch(() => undefined);
  let result: CheckResult | undefined;
  for await (const text of linesOf(child.stdout, Infinity)) {
    const line = JSON.parse(text) as Line;
    if (line.kind === 'progress') tell(line.done, line.total);
    else if (line.kind === 'problem') throw problemOf(line);
    else {
      const { kind: _kind, ...found } = line;
      result = found;
    }
  }
  const code = await ended;
  if (result !== undefined) return result;
  throw new CliError(EXIT.failed, 'check-failed', `the check ended with ${code}: ${said.trim()}`);
};

const problemOf = ({ status, code, message }: Extract<Line, { kind: 'problem' }>): CliError => {
  const isRefused = status === 401 || status === 403;
  const isUnreachable = code === 'unreachable' || status === 503;
  const exitCode = isRefused ? EXIT.refused : isUnreachable ? EXIT.unreachable : EXIT.failed;
  return new CliError(exitCode, code, message);
};
