'use strict';
const { readFileSync, rmSync } = require('node:fs');
const { homedir } = require('node:os');
const { join } = require('node:path');
const { isRoot } = require('./run.cjs');

const homeOf = (env) =>
  env.SHIPLOG_HOME ?? (isRoot() ? '/var/lib/shiplog' : join(homedir(), '.local/share/shiplog'));

/**
 * The first act of a start: nobody shall take the `ready.json` of a killed platform for this one's, however
 * long installing and building take. That of a living one stays, and the start is refused later.
 */
const removeStaleReady = (env = process.env) => {
  const file = join(homeOf(env), 'ready.json');
  try {
    const { pid } = JSON.parse(readFileSync(file, 'utf8'));
    if (/node|npm/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))) return;
  } catch (error) {
    // None there, or nobody lives who wrote it: it may go. A home that is none is told later.
    if (['EACCES', 'ENOTDIR'].includes(error.code)) return;
  }
  rmSync(file, { force: true });
};

module.exports = { removeStaleReady };
