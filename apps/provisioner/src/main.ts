import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createLogger, describeError, readConfig, type PlatformConfig } from '@shiplog/runtime';
import { separateSeeds } from './credentials.js';
import { provision } from './provision.js';
import { writeNatsConfig } from './write-nats-config.js';

/** One-shot: `config` before the servers start, `assert` after. Without an argument: `assert`. */
const main = async (mode: string): Promise<void> => {
  const config = readConfig(process.env);
  if (mode === 'config') await configure(config, process.env);
  else if (mode === 'assert') await provision(config);
  else throw new Error(`"${mode}" is neither "config" nor "assert"`);
  createLogger(config.logLevel).info({ process: 'provisioner', mode }, 'provisioned');
};

/**
 * `SHIPLOG_CREDENTIALS_OUT`: a folder with one folder per process, each mounted into its container
 * alone. `SHIPLOG_DATABASE_PASSWORD_FILE`: made once, when it is not there.
 */
const configure = async (config: PlatformConfig, env: NodeJS.ProcessEnv): Promise<void> => {
  const out = env['SHIPLOG_CREDENTIALS_OUT'];
  await writeNatsConfig(config, out === undefined ? {} : { seedFile: separateSeeds(out) });
  const passwordFile = env['SHIPLOG_DATABASE_PASSWORD_FILE'];
  if (passwordFile !== undefined) await ensurePassword(passwordFile);
};

const ensurePassword = async (file: string): Promise<void> => {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  try {
    await writeFile(file, randomBytes(32).toString('base64url'), { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
};

const [mode = 'assert', ...args] = process.argv.slice(2);
if (mode === 'copy') {
  const { runCopy } = await import('./run-copy.js');
  process.exitCode = await runCopy(args, process.env);
} else {
  await main(mode).catch((error: unknown) => {
    createLogger('info').error({ process: 'provisioner', error: describeError(error) }, 'refused');
    process.exitCode = 1;
  });
}
