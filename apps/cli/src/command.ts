import type { ChangeOptions, ReadOptions, ShiplogClient } from '@shiplog/api-client';
import type { Io } from './io.js';
import type { Output } from './output.js';

export interface OptionSpec {
  /** As commander writes it: `-f, --follow`, `--tail <count>`, `--no-wait`. */
  readonly flags: string;
  readonly help: string;
  /** Throws a usage error for what it does not understand. */
  readonly parse?: (value: string) => unknown;
}

/** Options that many commands share, with one meaning everywhere. */
export type Shared = 'app' | 'reason' | 'wait' | 'at' | 'override';

export interface CommandSpec<Options extends object = object> {
  readonly name: string;
  /** `<name>`, `[directory]`, `<pairs...>`; each with its help text. */
  readonly args?: readonly (readonly [string, string])[];
  readonly summary: string;
  /** More sentences for the command's own help. */
  readonly details?: string;
  /** Command lines without `shiplog`, with what they do. */
  readonly examples: readonly (readonly [string, string])[];
  readonly options?: readonly OptionSpec[];
  readonly takes?: readonly Shared[];
  /** Why it shows no past, for who asks with `--at`: what it shows is not in the log. */
  readonly onlyNow?: string;
  readonly hidden?: boolean;
  /** Returns the exit code; nothing means 0. */
  run(invocation: Invocation<Options>): Promise<number | void>;
}

/** `shiplog apps …`: verbs under one noun. */
export interface GroupSpec {
  readonly name: string;
  readonly summary: string;
  readonly commands: readonly CommandSpec[];
  /** The verb that is meant where none is named: `shiplog audit` is `shiplog audit list`. */
  readonly main?: string;
}

export interface SharedOptions {
  readonly app?: string;
  readonly reason?: string;
  readonly wait?: boolean;
  readonly at?: string;
  readonly overrideLock?: boolean;
  readonly overrideFreeze?: boolean;
}

/** One run of one command: what the person gave, and the world it acts on. */
export interface Invocation<Options extends object = object> {
  readonly args: readonly string[];
  readonly options: Options & SharedOptions;
  readonly io: Io;
  readonly out: Output;
  /** The API, as who is logged in here. */
  readonly client: () => Promise<ShiplogClient>;
  /** The app that is meant: the given one, else `-a`, else SHIPLOG_APP, else the git remote. */
  readonly app: (given?: string) => Promise<string>;
  /** What goes along with every change. */
  readonly change: ChangeOptions;
  /** What goes along with every look: the moment that is looked at. */
  readonly read: ReadOptions;
}

/** Checks the types of one command; the options' types are those its `parse` functions make. */
export const defineCommand = <Options extends object = object>(
  spec: CommandSpec<Options>,
): CommandSpec => spec;
