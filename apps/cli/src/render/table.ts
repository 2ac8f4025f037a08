import type { Colors } from 'picocolors/types.js';
import { printableLine } from './printable.js';

export interface Column<T> {
  readonly title: string;
  readonly value: (row: T) => string | number | null | undefined;
  readonly align?: 'left' | 'right';
  readonly paint?: (text: string, row: T) => string;
}

const NOTHING = '';
const NO_BORDERS = {
  top: NOTHING,
  'top-mid': NOTHING,
  'top-left': NOTHING,
  'top-right': NOTHING,
  bottom: NOTHING,
  'bottom-mid': NOTHING,
  'bottom-left': NOTHING,
  'bottom-right': NOTHING,
  left: NOTHING,
  'left-mid': NOTHING,
  mid: NOTHING,
  'mid-mid': NOTHING,
  right: NOTHING,
  'right-mid': NOTHING,
  middle: '  ',
};

/** Rows under their titles, two spaces apart, nothing else. Values are made harmless here. */
export const renderTable = async <T>(
  rows: readonly T[],
  columns: readonly Column<T>[],
  colors: Colors,
): Promise<string> => {
  // Here and not above: `--help` must not wait for what only tables need.
  const { default: Table } = await import('cli-table3');
  const table = new Table({
    chars: NO_BORDERS,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    head: columns.map(({ title }) => colors.dim(title)),
    colAligns: columns.map(({ align = 'left' }) => align),
  });
  for (const row of rows) {
    table.push(
      columns.map(({ value, paint }) => {
        const text = printableLine(String(value(row) ?? ''));
        return paint === undefined ? text : paint(text, row);
      }),
    );
  }
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
};
