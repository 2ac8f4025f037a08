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
const { ask, which } = require('./run.cjs');
const { isDebian, newerSources, unpackFromSuite } = require('./debian.cjs');

/** What holds the program: Ubuntu has version 1 under the name that Debian gave to version 2. */
const packageIn = (suite) => (suite === 'devel' ? 'docker-compose-v2' : 'docker-compose');

const isVersion2 = (words) =>
  /^v?[2-9]\./.test(ask(words[0], [...words.slice(1), '--short']) ?? '');

/** The words that run Compose v2: the client's plugin, a program of that name, or the one we unpacked. */
const findCompose = (bin) => {
  const programs = [which('docker-compose'), join(bin, 'docker-compose')];
  const candidates = [
    ['docker', 'compose'],
    ...programs.filter((path) => path && existsSync(path)).map((path) => [path]),
  ];
  return candidates.find((words) => isVersion2([...words, 'version']));
};

/** Unpacked from a newer suite of the machine's own mirror into `bin`; nothing is installed. */
const fetchCompose = async (cache, bin) => {
  const reasons = [];
  mkdirSync(cache, { recursive: true });
  for (const { suite, line } of isDebian() ? newerSources() : []) {
    const folder = mkdtempSync(join(cache, 'compose-'));
    try {
      const root = await unpackFromSuite(packageIn(suite), line, folder);
      return place(join(root, 'usr/libexec/docker/cli-plugins/docker-compose'), bin);
    } catch (error) {
      reasons.push(`  ${suite}: ${error.message.split('\n').at(-1)}`);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  throw new Error(
    [
      'Docker Compose v2 is needed and was not found.',
      ...reasons,
      'Install it: the package docker-compose of Debian 13 or newer, docker-compose-v2 of Ubuntu; Docker Desktop has it.',
    ].join('\n'),
  );
};

const place = (from, bin) => {
  if (!isVersion2([from, 'version'])) throw new Error('it does not run here');
  mkdirSync(bin, { recursive: true });
  const to = join(bin, 'docker-compose');
  copyFileSync(from, `${to}.new`);
  chmodSync(`${to}.new`, 0o755);
  renameSync(`${to}.new`, to);
  return [to];
};

module.exports = { findCompose, fetchCompose };
