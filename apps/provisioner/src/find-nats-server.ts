import { execFile } from 'node:child_process';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { OperationalError } from '@shiplog/runtime';
import { isDurableVersion } from './prove-durability.js';

export class NatsServerMissingError extends OperationalError {
  readonly code = 'nats-server-missing';
  readonly retryable = false;
}

const run = promisify(execFile);

/** The nats-server program: `SHIPLOG_NATS_SERVER`, else the PATH, else where `npm start` unpacks it. */
export const findNatsServer = async (env: NodeJS.ProcessEnv = process.env): Promise<string> => {
  const named = env['SHIPLOG_NATS_SERVER'];
  const candidates = [
    ...(named === undefined || named === '' ? [] : [named]),
    ...(env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'nats-server')),
    join(homedir(), '.cache/shiplog/bin/nats-server'),
  ];
  const tooOld: string[] = [];
  for (const file of candidates) {
    const version = await versionOf(file);
    if (version === undefined) continue;
    if (isDurableVersion(version)) return file;
    tooOld.push(`${file} is ${version}`);
  }
  throw new NatsServerMissingError(
    `no nats-server 2.14 or newer found${tooOld.length > 0 ? ` (${tooOld.join(', ')})` : ''}; ` +
      'put one on the PATH or name it in SHIPLOG_NATS_SERVER (npm start fetches one)',
  );
};

const versionOf = async (file: string): Promise<string | undefined> => {
  try {
    const { stdout } = await run(file, ['--version'], { timeout: 10_000 });
    return /v(\d+\.\d+\.\d+\S*)/.exec(stdout)?.[1];
  } catch {
    // Not there, or not a program: the next candidate.
    return undefined;
  }
};
