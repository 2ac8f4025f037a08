import { createColors } from 'picocolors';
import type { Colors } from 'picocolors/types.js';
import type { Io, Screen } from './io.js';
import { printableLine, toJsonLine } from './render/printable.js';
import { renderTable, type Column } from './render/table.js';

/**
 * What a command says. Results go to stdout, what happens on the way to stderr. In JSON mode stdout
 * carries the documents and nothing else, and nothing is said on the way.
 */
export interface Output {
  readonly isJson: boolean;
  /** Colours for stdout, and for stderr: either may be a file. */
  readonly colors: Colors;
  readonly noteColors: Colors;
  /** A document in JSON mode. */
  readonly json: (value: unknown) => void;
  /** Result text for people; left out in JSON mode. The caller has made it printable. */
  readonly line: (text?: string) => void;
  readonly table: <T>(
    rows: readonly T[],
    columns: readonly Column<T>[],
    empty: string,
  ) => Promise<void>;
  /** Pairs under each other, for one thing. */
  readonly fields: (
    pairs: readonly (readonly [string, string | number | null | undefined])[],
  ) => void;
  /** What happens, on stderr; left out in JSON mode. */
  readonly note: (text: string) => void;
}

export const createOutput = (io: Io, isJson: boolean): Output => {
  const colors = createColors(wantsColors(io, io.stdout));
  const noteColors = createColors(wantsColors(io, io.stderr));
  const line = (text = ''): void => {
    if (!isJson) io.stdout.write(`${text}\n`);
  };
  return {
    isJson,
    colors,
    noteColors,
    line,
    json: (value) => {
      if (isJson) io.stdout.write(`${toJsonLine(value)}\n`);
    },
    table: async (rows, columns, empty) => {
      if (isJson) return;
      if (rows.length === 0) line(empty);
      else line(await renderTable(rows, columns, colors));
    },
    fields: (pairs) => {
      const shown = pairs.filter(
        ([, value]) => value !== undefined && value !== null && value !== '',
      );
      const width = Math.max(...shown.map(([name]) => name.length)) + 2;
      for (const [name, value] of shown) {
        line(`${colors.dim(name.padEnd(width))}${printableLine(String(value))}`);
      }
    },
    note: (text) => {
      if (!isJson) io.stderr.write(`${text}\n`);
    },
  };
};

/** https://no-color.org, and nothing coloured into files. */
const wantsColors = ({ env }: Io, screen: Screen): boolean => {
  if ((env['NO_COLOR'] ?? '') !== '') return false;
  if ((env['FORCE_COLOR'] ?? '0') !== '0') return true;
  return screen.isTTY === true && env['TERM'] !== 'dumb';
};
