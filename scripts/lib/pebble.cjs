'use strict';
const {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
} = require('node:fs');
const { join } = require('node:path');
const { isDebian, newerSources, unpackFromSuite } = require('./debian.cjs');
const { which } = require('./run.cjs');
const { BIN, CACHE } = require('./tools.cjs');

/** The ACME server that tests ask, and the name server that it asks. Both are of one package. */
const PROGRAMS = ['pebble', 'pebble-challtestsrv'];

/** Folder of both programs, of the machine or of an earlier run. */
const findPebble = () => {
  if (PROGRAMS.every((name) => existsSync(join(BIN, name)))) return BIN;
  const found = PROGRAMS.map((name) => which(name));
  return found.every((path) => path !== undefined) ? join(found[0], '..') : undefined;
};

/** For tests alone: from a newer suite of the machine's own mirror, unpacked and not installed. */
const ensurePebble = async () => {
  const known = findPebble();
  if (known !== undefined) return known;
  const reasons = [];
  mkdirSync(BIN, { recursive: true });
  for (const { suite, line } of isDebian() ? newerSources() : []) {
    const folder = mkdtempSync(join(CACHE, 'pebble-'));
    try {
      const root = await unpackFromSuite('pebble', line, folder);
      for (const name of PROGRAMS) {
        copyFileSync(join(root, 'usr/bin', name), join(BIN, `${name}.new`));
        chmodSync(join(BIN, `${name}.new`), 0o755);
        renameSync(join(BIN, `${name}.new`), join(BIN, name));
      }
      return BIN;
    } catch (error) {
      reasons.push(`${suite}: ${error.message.trim().split('\n').at(-1)}`);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  throw new Error(
    `The tests need pebble, the ACME test server, and it was not found:\n  ${reasons.join('\n  ')}\nPut pebble and pebble-challtestsrv on the PATH.`,
  );
};

module.exports = { ensurePebble };
