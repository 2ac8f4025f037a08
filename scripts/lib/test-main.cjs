'use strict';
const { spawn } = require('node:child_process');
const { mkdtempSync, readFileSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join, relative } = require('node:path');
const { which } = require('./run.cjs');
const { NGINX_PACKAGES } = require('./nginx.cjs');
const { startOwnEngine } = require('./own-engine.cjs');
const { ensurePebble } = require('./pebble.cjs');
const { prepare } = require('./prepare.cjs');
const { ROOT } = require('./workspace.cjs');

const LEVELS = ['unit', 'int', 'e2e', 'engine'];
/**
 * What only tests need: a real PostgreSQL, the other proxy, static programs for tiny images, a compiler for
 * one of them, and the engine's client for those of Compose.
 */
const testPackages = () => [
  'postgresql',
  'busybox-static',
  'gcc',
  'libc6-dev',
  ...NGINX_PACKAGES,
  ...(which('docker') === undefined ? ['docker.io'] : []),
];

const passOn = ([program, ...args], env) =>
  new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: 'inherit',
    });
    child.on('close', resolve);
    child.on('error', () => resolve(1));
  });

const LINES_OF_A_FAILURE = 12;
const firstLines = (message) => message.split('\n').slice(0, LINES_OF_A_FAILURE).join('\n    ');

/**
 * One text per failed test: said again after the last level, since of a long run a reader often has the
 * end alone.
 */
const failuresOf = (report) =>
  report.testResults.flatMap((file) => {
    const at = relative(ROOT, file.name);
    const tests = file.assertionResults
      .filter((test) => test.status !== 'passed')
      .map(
        (test) => `${at} > ${test.fullName}\n    ${firstLines(test.failureMessages.join('\n'))}`,
      );
    const whole = file.status === 'failed' && tests.length === 0;
    return whole ? [`${at}\n    ${firstLines(file.message)}`] : tests;
  });

/** What a level's report says; a crash that left none, or half of one, is a failure. */
const countsOf = (file) => {
  let report;
  try {
    report = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return { passed: 0, failed: 1, failures: ['the report of the tests cannot be read'] };
  }
  const notRun = report.numPendingTests + report.numTodoTests;
  // A suite that fails to load has no tests of its own: it counts as one failure.
  const unloaded = report.testResults.filter(
    (r) => r.status === 'failed' && r.assertionResults.length === 0,
  ).length;
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + notRun + unloaded,
    failures: failuresOf(report),
  };
};

/** Tests of the level `engine` end the engine: they get one of their own for that. */
const runLevel = async (level, options, env) => {
  if (level !== 'engine') return runTests(level, options, { within: [], env });
  let engine;
  try {
    engine = await startOwnEngine();
  } catch (error) {
    console.error(`the engine of the level "engine" did not start: ${error.message}`);
    return { passed: 0, failed: 1 };
  }
  try {
    const { within } = engine;
    return await runTests(level, options, { within, env: { ...env, ...engine.env } });
  } finally {
    await engine.stop();
  }
};

const runTests = async (level, options, { within, env }) => {
  const results = mkdtempSync(join(tmpdir(), 'shiplog-test-'));
  const file = join(results, `${level}.json`);
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  const words = [...within, process.execPath, vitest, 'run', ...options, ...reporters];
  const code = await passOn(words, { ...env, SHIPLOG_TEST_LEVEL: level });
  const counts = countsOf(file);
  rmSync(results, { recursive: true, force: true });
  return code !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
};

const runCheck = async (env) => {
  const quiet = { ...env, npm_config_loglevel: 'error' };
  const code = await passOn(['npm', 'run', '--silent', 'check'], quiet);
  return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
};

const main = async () => {
  const wantsUnitOnly = process.argv.slice(2).includes('unit');
  const pebble = wantsUnitOnly ? undefined : ensurePebble();
  // Seen when it is needed.
  pebble?.catch(() => undefined);
  const tools = await prepare({ yes: true, more: testPackages() });
  const env = Object.fromEntries(
    Object.entries(tools.env).filter(([, value]) => value !== undefined),
  );
  if (pebble !== undefined) env.SHIPLOG_PEBBLE = await pebble;
  const asked = process.argv.slice(2).filter((argument) => LEVELS.includes(argument));
  const filters = process.argv.slice(2).filter((argument) => !LEVELS.includes(argument));
  const results = [];
  // Until the end is reached: a run that ends early, for whatever reason, has failed.
  process.exitCode = 1;
  const take = async (name, work) => {
    const startedAt = Date.now();
    const counts = await work();
    results.push({ name, ...counts, seconds: Math.round((Date.now() - startedAt) / 1000) });
  };
  const takeLevel = (level, name = level, options = []) =>
    take(name, () => runLevel(level, [...filters, ...options], env));
  if (asked.length > 0) for (const level of asked) await takeLevel(level);
  else {
    await takeLevel('unit');
    // Tests of the level `int` wait most of the time; the check needs the machine, the level `engine` has an engine of
    // its own, and of the level `e2e` only some tests measure how long somebody waits.
    const beside = async () => {
      await take('check', () => runCheck(env));
      await takeLevel('engine');
      await takeLevel('e2e', 'e2e, waiting', ['--project=waiting']);
    };
    await Promise.all([takeLevel('int'), beside()]);
    await takeLevel('e2e', 'e2e, measuring', ['--project=measuring']);
  }

  console.log('');
  for (const { name, failures = [] } of results)
    for (const failure of failures) console.log(`FAILED in ${name}: ${failure}\n`);
  for (const { name, passed, failed, seconds } of results)
    console.log(`${name}: ${passed} passed, ${failed} failed in ${seconds} s`);
  const sum = (key) => results.reduce((total, counts) => total + counts[key], 0);
  console.log(`${sum('passed')} passed, ${sum('failed')} failed`);
  process.exitCode = sum('failed') === 0 && sum('passed') > 0 ? 0 : 1;
};

main().catch((error) => {
  console.error(error.message);
  console.log('0 passed, 1 failed');
  process.exitCode = 1;
});
