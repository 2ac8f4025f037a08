// The faults of nats-server that CI tests in small, as long as they are meant: 100 kills under load, 30 seconds
// frozen, 1,000 recorded histories over broken connections.
//   node test/long/nats-server-faults.mjs      needs `npm ci`; some 4 minutes. Each figure can be set by its variable.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const FIGURES = {
  SHIPLOG_KILLS: '100',
  SHIPLOG_FREEZE_SECONDS: '30',
  SHIPLOG_SEEDS: '1000',
};
const FILES = [
  'apps/provisioner/src/unknown-outcome.int.spec.ts',
  'apps/provisioner/src/broken-connections.int.spec.ts',
];

const vitest = join(
  dirname(createRequire(import.meta.url).resolve('vitest/package.json')),
  'vitest.mjs',
);
const child = spawn(process.execPath, [vitest, 'run', '--reporter=verbose', ...FILES], {
  cwd: join(import.meta.dirname, '../..'),
  env: { ...FIGURES, ...process.env, SHIPLOG_TEST_LEVEL: 'int' },
  stdio: 'inherit',
});
child.on('close', (code) => (process.exitCode = code ?? 1));
