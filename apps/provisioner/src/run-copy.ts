import { parseArgs } from 'node:util';
import {
  ConfigError,
  describeError,
  eventLogOf,
  readConfig,
  type EventLogPlace,
} from '@shiplog/runtime';
import { copyLog, type CopyProgress } from './copy-log.js';

/** Exit codes of the CLI (architecture §7), because it hands ours on. */
const EXIT_OF: Readonly<Record<string, number>> = {
  'config-invalid': 2,
  'import-refused': 4,
  'log-unavailable': 6,
};

const TOLD_EVERY_MS = 1_000;

/** `copy --to ADDRESS [--users FOLDER] [--json]`, while no platform runs: in a process of `shiplog log copy`. */
export const runCopy = async (args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> => {
  const isJson = args.includes('--json');
  try {
    const config = readConfig(env);
    const { address, place } = placeIn(args, env);
    const result = await copyLog(config, place, tellNowAndThen(isJson));
    // Quoted: "?" means something to a shell.
    const next = `SHIPLOG_EVENT_LOG='${address}'`;
    process.stdout.write(
      isJson
        ? `${JSON.stringify({ to: address, ...result })}\n`
        : `${result.present + result.imported} commits are in ${address}, compared one by one. ` +
            `Start the platform with ${next}; the log that they came from stays as it is.\n`,
    );
    return 0;
  } catch (error) {
    const code = codeOf(error);
    const detail = describeError(error);
    process.stderr.write(isJson ? `${JSON.stringify({ code, detail })}\n` : `error: ${detail}\n`);
    return EXIT_OF[code] ?? 1;
  }
};

const placeIn = (
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): { readonly address: string; readonly place: EventLogPlace } => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      to: { type: 'string' },
      users: { type: 'string' },
      json: { type: 'boolean' },
    },
  });
  const address = values.to;
  if (address === undefined) throw new ConfigError('say where to: --to esdb://… or --to jetstream');
  // The same grammar as of the variable that it will stand in.
  readConfig({ ...env, SHIPLOG_EVENT_LOG: address });
  return { address, place: eventLogOf(address, values.users ?? env['SHIPLOG_EVENT_LOG_USERS']) };
};

const tellNowAndThen = (isJson: boolean): ((progress: CopyProgress) => void) => {
  let toldAtMs = 0;
  return ({ step, present, imported }) => {
    if (isJson || performance.now() - toldAtMs < TOLD_EVERY_MS) return;
    toldAtMs = performance.now();
    const count = present + imported;
    process.stderr.write(`${step === 'copy' ? 'copied' : 'compared'} ${count} commits\n`);
  };
};

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
