// `docker compose` in this folder, with the same words, on machines that lack Compose v2, too:
// there it is unpacked once from the machine's own mirror into ~/.cache/shiplog, and not installed.
'use strict';
const { spawn } = require('node:child_process');
const { join } = require('node:path');
const { findCompose, fetchCompose } = require('./lib/compose.cjs');
const { step } = require('./lib/progress.cjs');
const { BIN, CACHE } = require('./lib/tools.cjs');

const main = async () => {
  let words = findCompose(BIN);
  if (words === undefined)
    await step('get Docker Compose', async () => (words = await fetchCompose(CACHE, BIN)));
  const [program, ...args] = [...words, ...process.argv.slice(2)];
  const child = spawn(program, args, { cwd: join(__dirname, '..'), stdio: 'inherit' });
  child.on('close', (code, signal) => (process.exitCode = signal === null ? code : 1));
};

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
