'use strict';
const { prepare } = require('./prepare.cjs');
const { step } = require('./progress.cjs');
const { removeStaleReady } = require('./stale-ready.cjs');
const { leaveOthersTheirs } = require('./young-generation.cjs');
const { parseStartArguments, environmentOf, START_HELP } = require('./arguments.cjs');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');

const startedAt = Date.now();

const main = async () => {
  const options = parseStartArguments(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(START_HELP);
    return;
  }
  leaveOthersTheirs();
  removeStaleReady();
  const tools = await prepare({ yes: options.yes });
  for (const [name, value] of Object.entries({ ...tools.env, ...environmentOf(options) })) {
    if (value !== undefined) process.env[name] = value;
  }
  const entry = join(__dirname, '../../apps/standalone/dist/index.js');
  const { runStandalone } = await import(pathToFileURL(entry).href);
  await runStandalone({ sample: options.sample, startedAt, step });
};

/** Codes of errors that are no failed start. */
const OTHERWISE = ['usage', 'declined', 'ended'];

main().catch((error) => {
  const what = OTHERWISE.includes(error.code) ? '' : 'Shiplog did not start: ';
  console.error(`\n${what}${error.message}`);
  if (process.env.SHIPLOG_LOG_LEVEL === 'debug') console.error(error.stack);
  process.exit(error.code === 'usage' ? 2 : 1);
});
