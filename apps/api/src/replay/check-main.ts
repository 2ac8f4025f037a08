import { readFile } from 'node:fs/promises';
import { toSequence } from '@shiplog/events';
import { openLog, pathsOf, readConfig, type PlatformConfig } from '@shiplog/runtime';
import { checkReplay } from './check.js';
import { PlatformRefusedError, RunningPlatform } from './running-platform.js';

/**
 * `shiplog replay check`, a program of its own: it may be of a newer build than the platform that runs.
 * Says on standard output how far it is, what it found, or what is wrong, a JSON object a line.
 */
const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

/** Where the log of this home is served: whoever checks need not know the platform's environment. */
const withNatsOf = async (config: PlatformConfig, env: NodeJS.ProcessEnv) => {
  if (env['SHIPLOG_NATS_URL'] !== undefined || env['SHIPLOG_NATS_PORT'] !== undefined)
    return config;
  const written = await readFile(pathsOf(config.home).natsConfig, 'utf8').catch(() => '');
  const port = /^port: (\d+)$/m.exec(written)?.[1];
  return port === undefined ? config : { ...config, natsUrl: `nats://127.0.0.1:${port}` };
};

const main = async (env: NodeJS.ProcessEnv): Promise<void> => {
  const { SHIPLOG_URL: url = '', SHIPLOG_TOKEN: token = '' } = env;
  const config = await withNatsOf(readConfig(env), env);
  const platform = new RunningPlatform(url, token);
  // Before the log is asked for: a platform that does not answer is told at once.
  await platform.position();
  const opened = await openLog(config, 'api');
  try {
    const result = await checkReplay(opened.log, platform, (done, total) =>
      say({ kind: 'progress', done, total }),
    );
    const { position, ...found } = result;
    say({ kind: 'result', at: toSequence(position, 0), ...found });
  } finally {
    await opened.close();
  }
};

const problemOf = (error: unknown): object => {
  if (error instanceof PlatformRefusedError) {
    const { status, code, message } = error;
    return { kind: 'problem', status, code, message };
  }
  const isUnreachable = error instanceof TypeError && error.message === 'fetch failed';
  const message = error instanceof Error ? error.message : String(error);
  const code = isUnreachable ? 'unreachable' : 'check-failed';
  return { kind: 'problem', status: null, code, message };
};

await main(process.env).catch((error: unknown) => say(problemOf(error)));
