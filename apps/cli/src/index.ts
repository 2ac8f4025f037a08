import { CommanderError } from 'commander';
import type { ChangeOptions, ShiplogClient } from '@shiplog/api-client';
import { resolveApp } from './app-name.js';
import { arrangeArguments, asksForJson } from './arrange-arguments.js';
import { CATALOGUE } from './catalogue.js';
import { closest } from './closest.js';
import type { CommandSpec, Invocation } from './command.js';
import { openClient } from './connection/open-client.js';
import { resolveConnection } from './connection/resolve-connection.js';
import { EXIT, exitCodeOf, InterruptedError, usageError } from './exit-code.js';
import { explainError } from './explain-error.js';
import type { Io } from './io.js';
import { createOutput } from './output.js';
import { buildProgram, isDone, type OptionValues } from './program.js';
import { errorText, problemOf } from './render/error.js';
import { toJsonLine } from './render/printable.js';

export type { Input, Io, Screen } from './io.js';

/** The whole program: arguments in, exit code out. Touches nothing but what `io` gives it. */
export const main = async (argv: readonly string[], io: Io): Promise<number> => {
  const isJson = asksForJson(argv);
  try {
    return await run(argv, io, isJson);
  } catch (error) {
    if (isDone(error)) return EXIT.done;
    const shown = io.signal.aborted ? new InterruptedError() : asUsageError(error, argv);
    if (isJson) io.stderr.write(`${toJsonLine(problemOf(shown))}\n`);
    else if (!(shown instanceof InterruptedError))
      io.stderr.write(`${errorText(shown, createOutput(io, false).noteColors)}\n`);
    return exitCodeOf(shown);
  }
};

const NAMES = CATALOGUE.map(({ name }) => name);

const run = async (argv: readonly string[], io: Io, isJson: boolean): Promise<number> => {
  const groups = new Set(CATALOGUE.filter(({ isGroup }) => isGroup).map(({ name }) => name));
  const args = arrangeArguments(argv, (name) => groups.has(name));
  // The name behind `help` is meant, too: its help is as long as that of `NAME --help`.
  const name = args[0] === 'help' ? args[1] : args[0];
  if (args[0] === 'help' && name !== undefined && !NAMES.includes(name)) {
    const similar = closest(name, NAMES);
    const hint = similar === undefined ? '' : `Did you mean ${similar}?\n`;
    throw usageError(`unknown command '${name}'`, `${hint}See: shiplog --help`);
  }
  let exitCode: number = EXIT.done;
  const program = await buildProgram(name, io, async (spec, operands, options) => {
    exitCode = await invoke(spec, operands, options, io, isJson);
  });
  if (args.length === 0 || (args.length === 1 && isJson && args[0] === '--json')) {
    program.outputHelp();
    return EXIT.done;
  }
  await program.parseAsync(args, { from: 'user' });
  return exitCode;
};

/** What is put aside is in the audit: whoever reads it there wants to know why. */
const changeOf = ({ reason, overrideLock, overrideFreeze }: OptionValues): ChangeOptions => {
  const override = [
    ...(overrideLock === true ? (['lock'] as const) : []),
    ...(overrideFreeze === true ? (['freeze'] as const) : []),
  ];
  if (override.length > 0 && reason === undefined) {
    throw usageError(
      `--override-${override[0] ?? ''} was given without a reason`,
      'Say why: -m REASON. It is in the audit.',
    );
  }
  return { ...(reason !== undefined && { reason }), ...(override.length > 0 && { override }) };
};

const invoke = async (
  spec: CommandSpec,
  args: readonly string[],
  options: OptionValues,
  io: Io,
  isJson: boolean,
): Promise<number> => {
  let client: Promise<ShiplogClient> | undefined;
  let asked: string | undefined;
  const { at } = options;
  const invocation: Invocation = {
    args,
    options,
    io,
    out: createOutput(io, isJson),
    client: () => (client ??= resolveConnection(io).then((place) => openClient(io, place))),
    app: async (given) => (asked = await resolveApp(given ?? options.app, io)),
    change: changeOf(options),
    read: at === undefined ? {} : { at },
  };
  try {
    return (await spec.run(invocation)) ?? EXIT.done;
  } catch (error) {
    throw await explainError(error, asked, () => invocation.client());
  }
};

/** What the parser did not understand, in the words of this program. */
const asUsageError = (error: unknown, argv: readonly string[]): unknown => {
  if (!(error instanceof CommanderError)) return error;
  if (error.code === 'commander.help') {
    return usageError('a command is missing', `See: shiplog ${argv[0] ?? ''} --help`);
  }
  const [message = '', ...hints] = error.message.replace(/^error: /, '').split('\n');
  const dashes =
    ['run', 'exec'].includes(argv[0] ?? '') && error.code === 'commander.unknownOption'
      ? ['Put -- before the command: shiplog run -- ls -l']
      : [];
  const known = NAMES.includes(argv[0] ?? '');
  return usageError(
    message,
    [...hints, ...dashes, `See: shiplog ${known ? `${argv[0]} ` : ''}--help`].join('\n'),
  );
};
