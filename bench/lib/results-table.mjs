import { readFile, writeFile } from 'node:fs/promises';

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
  const { cpu, cores, memoryMegabytes, kernel, loadAverageBefore, hashesPerSecond } = machine;
  const facts = [
    `${cores} cores (${cpu}), ${Math.round(memoryMegabytes / 1000)} GB, Linux ${kernel}`,
    Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', '),
    Object.values(storage).join(', '),
    `load average before ${loadAverageBefore}`,
    ...(hashesPerSecond === undefined
      ? []
      : [`one core makes ${Math.round(hashesPerSecond / 1000)},000 SHA-256 of 600 bytes a second`]),
  ];
  return `- **${bench}** (${at.slice(0, 16).replace('T', ' ')} UTC): ${facts.join('; ')}`;
};

/** Everything else that was measured, as it was printed. */
const detailsOf = ({ bench, at, machine, versions, storage, targets, ...measured }) =>
  `<details><summary>${bench}: everything measured</summary>\n\n\`\`\`json\n${JSON.stringify(measured, null, 2)}\n\`\`\`\n\n</details>`;

/** What stands in the docs about benchmarks that were not run again: their rows, surroundings and details. */
const partsIn = (text) => {
  const known = new Map();
  const add = (bench, kind, part) => {
    const parts = known.get(bench) ?? { rows: [], surroundings: [], details: [] };
    parts[kind].push(part);
    known.set(bench, parts);
  };
  for (const [row, bench] of text.matchAll(/^\| (\w+) +\|.*$/gm))
    if (bench !== HEAD[0]) add(bench, 'rows', row);
  for (const [part, bench] of text.matchAll(/^- \*\*(\w+)\*\*.*$/gm))
    add(bench, 'surroundings', part);
  for (const [part, bench] of text.matchAll(
    /^<details><summary>(\w+): everything measured<\/summary>.*?<\/details>$/gms,
  ))
    add(bench, 'details', part);
  return known;
};

const line = (cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;

/** Puts the results between the two markers of docs/benchmarks.md, in the place of older ones of the same benchmark. */
export const writeDocs = async (resultsByName) => {
  // On a fresh clone a benchmark begins before anything is installed.
  const { format } = await import('prettier');
  const text = await readFile(DOCS, 'utf8');
  const [before, rest] = text.split(BEGIN);
  const [figures, after] = rest?.split(END) ?? [];
  if (after === undefined) throw new Error(`docs/benchmarks.md lacks ${BEGIN} … ${END}`);
  const parts = partsIn(figures);
  for (const result of Object.values(resultsByName)) {
    parts.set(result.bench, {
      rows: rowsOf([result]).map(line),
      surroundings: [surroundingsOf(result)],
      details: [detailsOf(result)],
    });
  }
  const all = [...parts.values()];
  const written = [
    [line(HEAD), line(HEAD.map(() => '---')), ...all.flatMap(({ rows }) => rows)].join('\n'),
    'Measured on:',
    all.flatMap(({ surroundings }) => surroundings).join('\n'),
    ...all.flatMap(({ details }) => details),
  ];
  const filled = `${before}${BEGIN}\n\n${written.join('\n\n')}\n\n${END}${after}`;
  await writeFile(DOCS, await format(filled, { parser: 'markdown', printWidth: 100 }));
};
