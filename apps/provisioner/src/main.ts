import { createLogger, describeError, readConfig } from '@shiplog/runtime';
import { provision } from './provision.js';
import { writeNatsConfig } from './write-nats-config.js';

/** One-shot: `config` before nats-server starts, `assert` after. Without an argument: `assert`. */
const main = async (mode: string): Promise<void> => {
  const config = readConfig(process.env);
  if (mode === 'config') await writeNatsConfig(config);
  else if (mode === 'assert') await provision(config);
  else throw new Error(`"${mode}" is neither "config" nor "assert"`);
  createLogger(config.logLevel).info({ process: 'provisioner', mode }, 'provisioned');
};

main(process.argv[2] ?? 'assert').catch((error: unknown) => {
  createLogger('info').error({ process: 'provisioner', error: describeError(error) }, 'refused');
  process.exitCode = 1;
});
