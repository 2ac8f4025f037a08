import { Command, CommanderError, Option } from 'commander';
import { CATALOGUE } from './catalogue.js';
import type { CommandSpec, GroupSpec, OptionSpec, Shared, SharedOptions } from './command.js';
import type { Entry } from './entry.js';
import { usageError } from './exit-code.js';
import type { Io } from './io.js';
import { parseMoment } from './parse/moment.js';

export type OptionValues = SharedOptions & Record<string, unknown>;
/** Called with the command that was meant, once its arguments were understood. */
type Dispatch = (spec: CommandSpec, args: string[], options: OptionValues) => Promise<void>;

const SHARED: Readonly<Record<Exclude<Shared, 'override'>, (io: Io) => OptionSpec>> = {
  app: () => ({ flags: '-a, --app <app>', help: 'the app; else SHIPLOG_APP, else the git remote' }),
  reason: () => ({ flags: '-m, --reason <text>', help: 'why, for the log' }),
  wait: () => ({ flags: '--no-wait', help: 'return at once instead of waiting until it is live' }),
  at: (io) => ({
    flags: '--at <moment>',
    help: 'as it was at a time (2026-11-21T10:00, 10m) or sequence',
    parse: (value) => parseMoment(value, io.now()),
  }),
};
const OVERRIDES: readonly OptionSpec[] = [
  { flags: '--override-lock', help: 'go ahead although the app is locked; needs -m' },
  { flags: '--override-freeze', help: 'go ahead although releases are frozen; needs -m' },
];
const optionsOf = (shared: Shared, io: Io): readonly OptionSpec[] =>
  shared === 'override' ? OVERRIDES : [SHARED[shared](io)];
const JSON_OPTION: OptionSpec = { flags: '--json', help: 'print JSON and nothing else' };

/** The parser with every name known, and the one command that `name` means known in full. */
export const buildProgram = async (
  name: string | undefined,
  io: Io,
  dispatch: Dispatch,
): Promise<Command> => {
  const program = new Command('shiplog')
    .description('Push code, get a running app. The only truth is an event log.')
    .version(io.version, '-V, --version', 'print the version')
    .enablePositionalOptions()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      // Errors are printed by `main`, as text or as JSON.
      writeErr: () => undefined,
      outputError: () => undefined,
      getOutHelpWidth: () => io.stdout.columns ?? 80,
    })
    .exitOverride()
    .helpCommand('help [command]', 'show the help of a command')
    .addOption(new Option('--json').hideHelp())
    .addHelpText('after', ROOT_EXAMPLES);
  for (const entry of CATALOGUE) await addEntry(program, entry, entry.name === name, io, dispatch);
  return program;
};

const ROOT_EXAMPLES = `
Examples:
  $ shiplog apps create shop           a new app
  $ shiplog git remote -a shop         then: git push shiplog main
  $ shiplog deploy -a shop             or without git: deploy this directory
  $ shiplog ps -a shop --watch         what runs, live

Every command takes --json; every change takes -m REASON. More: shiplog help COMMAND`;

const addEntry = async (
  program: Command,
  entry: Entry,
  isMeant: boolean,
  io: Io,
  dispatch: Dispatch,
): Promise<void> => {
  if (!isMeant) {
    program
      .command(entry.name, { hidden: entry.hidden ?? false })
      .summary(entry.summary)
      .helpGroup(`${entry.section}:`)
      // Whatever it would take: only its line in the help is wanted.
      .usage(entry.isGroup ? '[command]' : '[options]');
    return;
  }
  const loaded = await entry.load();
  if (!('commands' in loaded)) {
    addCommand(program, loaded, io, dispatch);
    return;
  }
  const noun = program.command(loaded.name).summary(loaded.summary).description(loaded.summary);
  noun.enablePositionalOptions().addOption(new Option('--json').hideHelp());
  for (const spec of loaded.commands) {
    addCommand(noun, spec, io, dispatch, spec.name === loaded.main);
  }
  addGroupHelp(noun, loaded);
};

const addGroupHelp = (noun: Command, { name, commands }: GroupSpec): void => {
  const lines = commands.flatMap(({ examples }) => examples.slice(0, 1));
  noun.addHelpText(
    'after',
    `\nExamples:\n${exampleLines(lines)}\n\nMore: shiplog ${name} COMMAND --help`,
  );
};

/** Command lines under each other, with what they do in a column of its own. */
const exampleLines = (examples: readonly (readonly [string, string])[]): string => {
  const width = Math.min(Math.max(...examples.map(([line]) => line.length)), EXAMPLE_WIDTH_MAX);
  return examples
    .map(([line, what]) =>
      line.length > width
        ? `  $ shiplog ${line}\n${' '.repeat(width + 14)}${what}`
        : `  $ shiplog ${line.padEnd(width)}  ${what}`,
    )
    .join('\n');
};
const EXAMPLE_WIDTH_MAX = 52;

const addCommand = (
  parent: Command,
  spec: CommandSpec,
  io: Io,
  dispatch: Dispatch,
  isDefault = false,
): void => {
  const command = parent
    .command(spec.name, { hidden: spec.hidden ?? false, isDefault })
    .summary(spec.summary)
    .description(spec.details === undefined ? spec.summary : `${spec.summary}\n\n${spec.details}`);
  for (const [argument, help] of spec.args ?? []) command.argument(argument, help);
  for (const option of spec.options ?? []) command.addOption(toOption(option));
  for (const shared of spec.takes ?? []) {
    for (const option of optionsOf(shared, io)) command.addOption(toOption(option));
  }
  if (spec.onlyNow !== undefined) command.addOption(refusedMoment(spec.onlyNow));
  command.addOption(toOption(JSON_OPTION));
  command.addHelpText('after', `\nExamples:\n${exampleLines(spec.examples)}`);
  command.action(async () => {
    await dispatch(spec, command.args, command.opts<OptionValues>());
  });
};

/** `--at` where there is no past to show: says why, instead of "unknown option". */
const refusedMoment = (why: string): Option =>
  new Option('--at <moment>')
    .argParser(() => {
      throw usageError('--at was given, and this command shows no past', why);
    })
    .hideHelp();

const toOption = ({ flags, help, parse }: OptionSpec): Option => {
  const option = new Option(flags, help);
  if (parse !== undefined) option.argParser((value) => parse(value));
  return option;
};

/** Help or version were asked for and printed: not an error. */
export const isDone = (error: unknown): boolean =>
  error instanceof CommanderError && error.exitCode === 0;
