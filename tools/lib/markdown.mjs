/** Text in a table: outside of code, `<` would begin a tag. */
const cell = (text) =>
  String(text)
    .split(/(`[^`]*`)/)
    .map((part, i) => (i % 2 === 1 ? part : part.replaceAll('<', '\\<')))
    .join('')
    .replaceAll('|', '\\|')
    .replaceAll('\n', ' ');
const line = (cells) => `| ${cells.map(cell).join(' | ')} |`;

export const table = (head, rows) =>
  [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');

export const code = (text) => `\`${text}\``;
