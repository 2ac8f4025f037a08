import { PROCESS_TYPE_PATTERN, type ProcessSpec } from '@shiplog/events';
import { SourceRefusedError } from '../sources/source-refused.js';
import { toArgv } from './command.js';

const LINE = /^([^\s:]+)\s*:\s*(.*)$/;
const PROCESS_COUNT_MAX = 32;
const COMMAND_LENGTH_MAX = 4000;

/** Process types and their commands, in the order of the file. Throws `SourceRefusedError` that names the line. */
export const parseProcfile = (text: string): Readonly<Record<string, ProcessSpec>> => {
  const processes: Record<string, ProcessSpec> = {};
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  lines.forEach((raw, index) => {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) return;
    const [type, command] = parseLine(line, index + 1);
    if (type in processes) {
      throw refused(index + 1, `the process type "${type}" is there twice`);
    }
    processes[type] = { command: [...toArgv(command)] };
  });
  const count = Object.keys(processes).length;
  if (count === 0) {
    throw new SourceRefusedError(
      'The Procfile names no process.',
      'Write one process a line, for example "web: node server.js", or remove the file.',
    );
  }
  if (count > PROCESS_COUNT_MAX) {
    throw new SourceRefusedError(
      `The Procfile names ${count} processes; at most ${PROCESS_COUNT_MAX} are allowed.`,
      'Remove the ones that are not needed.',
    );
  }
  return processes;
};

const parseLine = (line: string, number: number): readonly [type: string, command: string] => {
  const [, type, command] = LINE.exec(line) ?? [];
  if (type === undefined || command === undefined) {
    throw refused(number, `"${shorten(line)}" is not of the form "type: command"`);
  }
  if (!PROCESS_TYPE_PATTERN.test(type)) {
    throw refused(
      number,
      `"${shorten(type)}" is not a process type (lower-case letters, digits and "-", starting with a letter, at most 30 characters)`,
    );
  }
  if (command === '') throw refused(number, `the process type "${type}" has no command`);
  if (command.length > COMMAND_LENGTH_MAX) {
    throw refused(
      number,
      `the command of "${type}" is longer than ${COMMAND_LENGTH_MAX} characters`,
    );
  }

  if (/[\u0000-\u0008\u000b-\u001f\u007f]/.test(command)) {
    throw refused(number, `the command of "${type}" contains a control character`);
  }
  return [type, command];
};

const refused = (line: number, what: string): SourceRefusedError =>
  new SourceRefusedError(
    `Procfile, line ${line}: ${what}.`,
    'A Procfile has one process a line, for example "web: node server.js".',
  );

const shorten = (text: string): string => (text.length > 60 ? `${text.slice(0, 57)}...` : text);
