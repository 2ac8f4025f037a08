import { readFile, writeFile } from 'node:fs/promises';
import { format } from 'prettier';

const DOCS = new URL('../../docs/benchmarks.md', import.meta.url);
const BEGIN = '<!-- figures: node bench/run.mjs --write-docs -->';
const END = '<!-- end of figures -->';

const rowsOf = (results) =>
  results.flatMap(({ bench, targets }) =>
    targets.map(({ what, value, unit, limit, met }) => [
      bench,
      what,
      `${value}${unit === '' ? '' : ` ${unit}`}`,
      limit,
      limit === '–' ? 'published' : met ? 'met' : 'MISSED',
    ]),
  );
const HEAD = ['benchmark', 'target', 'measured', 'asked', ''];

/** What a terminal shows. */
export const resultsTable = (results) => {
  const rows = [HEAD, ...rowsOf(results)];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
};

const surroundingsOf = ({ bench, at, machine, versions, storage }) => {
  const { cpu, cores, memoryMegabytes, kernel, loadAverageBefore } = machine;
  const facts = [
    `${cores} cores (${cpu}), ${Math.round(memoryMegabytes / 1000)} GB, Linux ${kernel}`,
    Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', '),
    Object.values(storage).join(', '),
    `load average before ${loadAverageBefore}`,
  ];
  return `- **${bench}** (${at.slice(0, 16).replace('T', ' ')} UTC): ${facts.join('; ')}`;
};

/** Everything else that was measured, as it was printed. */
const detailsOf = ({ bench, at, machine, versions, storage, targets, ...measured }) =>
  `<details><summary>${bench}: everything measured</summary>\n\n\`\`\`json\n${JSON.stringify(measured, null, 2)}\n\`\`\`\n\n</details>`;

/** Puts the results between the two markers of docs/benchmarks.md. */
export const writeDocs = async (resultsByName) => {
  const results = Object.values(resultsByName);
  const text = await readFile(DOCS, 'utf8');
  const [before, rest] = text.split(BEGIN);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error(`docs/benchmarks.md lacks ${BEGIN} … ${END}`);
  const line = (cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const figures = [
    [line(HEAD), line(HEAD.map(() => '---')), ...rowsOf(results).map(line)].join('\n'),
    'Measured on:',
    results.map(surroundingsOf).join('\n'),
    ...results.map(detailsOf),
  ];
  const filled = `${before}${BEGIN}\n\n${figures.join('\n\n')}\n\n${END}${after}`;
  await writeFile(DOCS, await format(filled, { parser: 'markdown', printWidth: 100 }));
};
