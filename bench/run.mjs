// `npm run bench`: every benchmark, or those named, one after the other; a table of what was asked and what came out.
//   npm run bench                        all of them: about ten minutes, on a machine that does nothing else
//   npm run bench -- append route        some
//   npm run bench log                    everything about the log, long ones included
//   npm run bench -- --quick             small ones, to see that they run: their figures say nothing
//   node bench/run.mjs --write-docs      writes bench/results.json into docs/benchmarks.md, and runs nothing; others stay
// Progress on stderr; results in bench/results.json. Exit code 1 when a target is missed or one did not run.
import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { resultsTable, writeDocs } from './lib/results-table.mjs';

/** Arguments of a quick run. */
const BENCHES = {
  append: ['3'],
  at: ['20000', '2'],
  deploy: ['1', '1000'],
  fleet: ['20', '2'],
  fold: ['500', '2'],
  long: ['20000'],
  'long-run': ['3000', '3', '300'],
  overhead: ['4'],
  projection: ['20000'],
  published: ['1'],
  releases: ['2', '1', '1', '1'],
  route: ['30'],
  scale: ['1'],
  start: ['5000', '1'],
  verify: ['5000', '2'],
};
/** By one name: everything about the log. */
const SUITES = { log: ['append', 'fold', 'verify', 'projection', 'start', 'long', 'at'] };
/** Takes long, so it runs where it is named only. */
const LONG = new Set(['at', 'fleet', 'long', 'long-run', 'releases']);
/** Debian packages of what it compares with. */
const PACKAGES_OF = {
  fleet: ['nginx', 'libnginx-mod-http-lua'],
  route: ['nginx', 'libnginx-mod-http-lua', 'caddy'],
};
const RESULTS = new URL('results.json', import.meta.url);
const { prepare } = createRequire(import.meta.url)('../scripts/lib/prepare.cjs');

const readResults = async () => JSON.parse(await readFile(RESULTS, 'utf8').catch(() => '{}'));

/** One benchmark in a process of its own: none of them inherits the heap of another. */
const run = (name, args, env) =>
  new Promise((resolve) => {
    const child = spawn(
      process.execPath,
      [fileURLToPath(new URL(`${name}.mjs`, import.meta.url)), ...args],
      { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk.toString('utf8')));
    child.on('error', () => resolve(undefined));
    child.on('close', () => {
      try {
        resolve(JSON.parse(output));
      } catch {
        resolve(undefined);
      }
    });
  });

const runAll = async (names, isQuick) => {
  const more = names.flatMap((name) => PACKAGES_OF[name] ?? []);
  const { env } = await prepare({ yes: true, more });
  const tools = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined));
  const results = isQuick ? {} : await readResults();
  const failed = [];
  for (const name of names) {
    const startedAt = Date.now();
    process.stderr.write(`  … ${name}\n`);
    const result = await run(name, isQuick ? BENCHES[name] : [], tools);
    const seconds = Math.round((Date.now() - startedAt) / 1000);
    process.stderr.write(
      `  ${result === undefined ? '✗ did not run:' : '✓'} ${name}  ${seconds} s\n`,
    );
    if (result === undefined) failed.push(name);
    else results[name] = result;
    if (!isQuick) await writeFile(RESULTS, `${JSON.stringify(results, null, 2)}\n`);
  }
  const shown = names.flatMap((name) => results[name] ?? []);
  console.log(resultsTable(shown));
  if (isQuick)
    console.log('\nA quick run: it shows that the programs work, not how fast anything is.');
  const met = shown.every(({ targets }) => targets.every((target) => target.met));
  process.exitCode = failed.length === 0 && met ? 0 : 1;
};

const args = process.argv.slice(2);
const names = args
  .filter((argument) => !argument.startsWith('--'))
  .flatMap((name) => SUITES[name] ?? [name]);
const usual = Object.keys(BENCHES).filter((name) => !LONG.has(name));
const unknown = [
  ...names.filter((name) => !(name in BENCHES)),
  ...args.filter((a) => a.startsWith('--') && a !== '--quick' && a !== '--write-docs'),
];
if (unknown.length > 0) {
  console.error(
    `there is no ${unknown.join(', ')}; benchmarks: ${[...Object.keys(BENCHES), ...Object.keys(SUITES)].join(', ')}; options: --quick, --write-docs`,
  );
  process.exitCode = 2;
} else if (args.includes('--write-docs')) {
  await writeDocs(await readResults());
} else {
  await runAll(names.length > 0 ? names : usual, args.includes('--quick'));
}
