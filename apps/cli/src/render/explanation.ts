import type { Explanation } from '@shiplog/api-client';
import type { Colors } from 'picocolors/types.js';
import { printable, printableLine } from './printable.js';

/** Why something did not work, whole, in the order in which a person asks. */
export const renderExplanation = (e: Explanation, colors: Colors): string => {
  const rows: [string, string | null][] = [
    ['Tried', e.tried],
    ['Got', e.probe],
    ['Listens on', e.listening.length === 0 ? null : e.listening.join(', ')],
    ['Exit code', exitText(e)],
    ['Instance', e.instanceId],
    ['Code', e.code],
  ];
  const lines = rows.flatMap(([name, value]) =>
    value === null ? [] : [`  ${colors.dim(name.padEnd(12))}${printableLine(value)}`],
  );
  if (e.logLines.length > 0) {
    lines.push(`  ${colors.dim('Last lines')}`);
    lines.push(...e.logLines.map((line) => `    ${colors.dim('|')} ${printableLine(line)}`));
  }
  if (e.remedy !== null) lines.push(...indented('What to do: ', printable(e.remedy)));
  return lines.join('\n');
};

const exitText = ({ exitCode, oomKilled }: Explanation): string | null => {
  if (exitCode === null) return oomKilled ? 'killed: out of memory' : null;
  return oomKilled ? `${exitCode} (killed: out of memory)` : String(exitCode);
};

const indented = (title: string, text: string): string[] =>
  text.split('\n').map((line, i) => `  ${i === 0 ? title : ' '.repeat(title.length)}${line}`);
