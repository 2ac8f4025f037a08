import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { main, type Io } from '../index.js';

interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}
export interface RunOptions {
  readonly url?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly cwd?: string;
  readonly home?: string;
  readonly signal?: AbortSignal;
  /** The `shiplog` of another checkout. */
  readonly executable?: string;
  readonly isTerminal?: boolean;
  /** Gives up at once where a test is about giving up. */
  readonly isImpatient?: boolean;
}

const PATIENT = { refusedMs: 5000, lostMs: 5000, unavailableMs: 5000, attemptMs: 5000, pauseMs: 2 };
const IMPATIENT = { refusedMs: 20, lostMs: 20, unavailableMs: 20, attemptMs: 5000, pauseMs: 2 };

/** 2026-11-21T12:00:00Z */
const NOW = Date.UTC(2026, 10, 21, 12);

/** Runs the program in this process, as a user without a terminal and without colours. */
export const runCli = async (argv: readonly string[], options: RunOptions = {}): Promise<Run> => {
  const home = options.home ?? (await mkdtemp(join(tmpdir(), 'shiplog-cli-')));
  const stdout = collector(options.isTerminal);
  const stderr = collector(options.isTerminal);
  const stdin = Object.assign(new PassThrough(), { isTTY: options.isTerminal });
  stdin.end(options.stdin ?? '');
  const { url, env = {} } = options;
  const io: Io = {
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: home,
      GIT_CONFIG_NOSYSTEM: '1',
      SHIPLOG_HOME: join(home, 'platform'),
      ...(url !== undefined && { SHIPLOG_URL: url, SHIPLOG_TOKEN: 'shp_test' }),
      ...env,
    },
    cwd: options.cwd ?? home,
    homeDirectory: home,
    isRoot: false,
    stdin,
    stdout: stdout.stream,
    stderr: stderr.stream,
    now: () => NOW,
    signal: options.signal ?? new AbortController().signal,
    executable: options.executable ?? '/opt/ship log/shiplog',
    version: '0.1.0',
    retry: options.isImpatient === true ? IMPATIENT : PATIENT,
  };
  const code = await main(argv, io);
  return { code, stdout: stdout.text(), stderr: stderr.text() };
};

const collector = (isTTY = false) => {
  const chunks: Buffer[] = [];
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 100, rows: 30 });
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return { stream, text: () => Buffer.concat(chunks).toString('utf8') };
};
