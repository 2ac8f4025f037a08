// `npm test`: brings a bare machine to where everything can be tested, checks, and runs all levels.
'use strict';
const { spawn } = require('node:child_process');
const { existsSync, mkdtempSync, readFileSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { prepare } = require('./lib/prepare.cjs');

const ROOT = join(__dirname, '..');
const LEVELS = ['unit', 'int', 'e2e'];
/** What only tests need: a real PostgreSQL, static programs for tiny images, a compiler for one of them. */
const TEST_PACKAGES = ['postgresql', 'busybox-static', 'gcc', 'libc6-dev', 'psmisc'];

const passOn = (program, args, env) =>
  new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: 'inherit',
    });
    child.on('close', resolve);
    child.on('error', () => resolve(1));
  });

const countsOf = (file) => {
  if (!existsSync(file)) return { passed: 0, failed: 1 };
  const report = JSON.parse(readFileSync(file, 'utf8'));
  const notRun = report.numPendingTests + report.numTodoTests;
  // A suite that fails to load has no tests of its own: it counts as one failure.
  const unloaded = report.testResults.filter(
    (r) => r.status === 'failed' && r.assertionResults.length === 0,
  ).length;
  return { passed: report.numPassedTests, failed: report.numFailedTests + notRun + unloaded };
};

const main = async () => {
  const tools = await prepare({ yes: true, for: 'test', more: TEST_PACKAGES });
  const env = Object.fromEntries(
    Object.entries(tools.env).filter(([, value]) => value !== undefined),
  );
  const results = mkdtempSync(join(tmpdir(), 'shiplog-test-'));
  const asked = process.argv.slice(2).filter((argument) => LEVELS.includes(argument));
  const filters = process.argv.slice(2).filter((argument) => !LEVELS.includes(argument));
  let passed = 0;
  let failed = 0;

  if (asked.length === 0) {
    const code = await passOn('npm', ['run', '--silent', 'check'], {
      ...env,
      npm_config_loglevel: 'error',
    });
    if (code === 0) passed += 1;
    else failed += 1;
  }
  for (const level of asked.length > 0 ? asked : LEVELS) {
    const file = join(results, `${level}.json`);
    const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
    const code = await passOn(
      process.execPath,
      [
        vitest,
        'run',
        ...filters,
        '--reporter=default',
        '--reporter=json',
        `--outputFile.json=${file}`,
      ],
      { ...env, SHIPLOG_TEST_LEVEL: level },
    );
    const counts = countsOf(file);
    passed += counts.passed;
    failed += counts.failed;
    if (code !== 0 && counts.failed === 0) failed += 1;
  }
  rmSync(results, { recursive: true, force: true });
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
};

main().catch((error) => {
  console.error(error.message);
  console.log('0 passed, 1 failed');
  process.exitCode = 1;
});
