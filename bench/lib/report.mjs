// One JSON document per benchmark: what was measured, on what, and whether the targets were met.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { median, round } from './figures.mjs';

// Before the benchmark adds its own: tells whether the machine was quiet.
const loadAverageBefore = Number(loadavg()[0].toFixed(2));

/** How fast a core is now, so that figures of different machines, or hours of one, can be compared. */
const measureCore = () => {
  const bytes = Buffer.alloc(600, 7);
  const rates = [];
  for (let round = 0; round < 5; round += 1) {
    const startedAt = performance.now();
    for (let i = 0; i < 20_000; i += 1) createHash('sha256').update(bytes).digest('hex');
    rates.push(20_000 / (performance.now() - startedAt));
  }
  return Math.round(median(rates) * 1_000);
};
const hashesPerSecond = measureCore();

const describeMachine = () => ({
  cpu: cpus()[0]?.model,
  cores: cpus().length,
  memoryMegabytes: Math.round(totalmem() / 1e6),
  kernel: release(),
  loadAverageBefore,
  hashesPerSecond,
});

/** Kind and device of the file system that a folder lies on, such as `ext4 /dev/vda`. */
export const fileSystemOf = (folder) =>
  execFileSync('df', ['--output=fstype,source', folder], { encoding: 'utf8' })
    .trim()
    .split('\n')[1]
    ?.trim()
    .replace(/\s+/, ' ');

/** Dependencies are pinned: what is asked for is what runs. */
export const dependencyVersion = (name) =>
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).dependencies[
    name
  ];

export const firstLineOf = (program, ...args) =>
  execFileSync(program, args, { encoding: 'utf8' }).split('\n')[0]?.trim();

export const atLeast = (what, value, limit, unit = '') => ({
  what,
  value: round(value),
  unit,
  limit: `≥ ${limit}`,
  met: value >= limit,
});
export const atMost = (what, value, limit, unit = '') => ({
  what,
  value: round(value),
  unit,
  limit: `≤ ${limit}`,
  met: value <= limit,
});

/** A figure that is told, with nothing that it has to be. */
export const published = (what, value, unit = '') => ({
  what,
  value: round(value),
  unit,
  limit: '–',
  met: true,
});

/** Prints the document; the exit code is 1 when a target is missed. */
export const report = ({ bench, versions, storage, targets, ...measured }) => {
  const document = {
    bench,
    at: new Date().toISOString(),
    machine: describeMachine(),
    versions: { node: process.version, ...versions },
    storage,
    ...measured,
    targets,
  };
  console.log(JSON.stringify(document, null, 2));
  process.exitCode = targets.every(({ met }) => met) ? 0 : 1;
};
