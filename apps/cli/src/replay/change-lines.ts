import type { ReplayChange } from '@shiplog/api-client';
import type { Colors } from 'picocolors/types.js';
import { printableLine } from '../render/printable.js';

const MARKS = { added: '+', removed: '-', changed: '~' } as const;

/** Changes under the app they are of, `+`, `-` and `~` before them; what is of no app comes last. */
export const changeLines = (changes: readonly ReplayChange[], colors: Colors): string[] => {
  const apps = [...new Set(changes.map(({ app }) => app))].toSorted(
    (a, b) => Number(a === null) - Number(b === null) || ((a ?? '') < (b ?? '') ? -1 : 1),
  );
  const width = Math.max(...changes.map((change) => whatText(change).length));
  return apps.flatMap((app) => [
    '',
    colors.bold(app === null ? 'platform' : printableLine(app)),
    ...changes
      .filter((change) => change.app === app)
      .map((change) => lineOf(change, colors, width)),
  ]);
};

const whatText = ({ kind, name, from, to, change }: ReplayChange): string => {
  const values =
    change === 'changed' && (from !== null || to !== null)
      ? ` ${from ?? 'none'} → ${to ?? 'none'}`
      : from === null && to === null
        ? ''
        : ` ${to ?? from}`;
  const what = kind === 'live' ? 'serves' : `${kind} ${name}`;
  return printableLine(`${what}${values}`);
};

const lineOf = (change: ReplayChange, colors: Colors, width: number): string => {
  const paint = { added: colors.green, removed: colors.red, changed: colors.yellow }[change.change];
  const { sequence, time, by, for: person, reason } = change;
  const who = `${by ?? '(unknown)'}${person === null ? '' : ` for ${person}`}`;
  const why = reason === null ? '' : ` ${colors.yellow(`(${printableLine(reason)})`)}`;
  const place = colors.dim(`${sequence ?? ''} ${(time ?? '').slice(0, 19).replace('T', ' ')}`);
  const what = paint(`${MARKS[change.change]} ${whatText(change).padEnd(width)}`);
  return `  ${what}  ${place} ${colors.cyan(printableLine(who))}${why}`;
};
