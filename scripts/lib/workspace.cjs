'use strict';
const { createHash } = require('node:crypto');
const { existsSync, readFileSync, readdirSync, statSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { run } = require('./run.cjs');

const ROOT = join(__dirname, '../..');
const LOCK_STAMP = join(ROOT, 'node_modules/.shiplog-lock');
const BUILD_STAMP = join(ROOT, 'node_modules/.shiplog-build');

const read = (file) => (existsSync(file) ? readFileSync(file, 'utf8') : '');
const lockHash = () =>
  createHash('sha256')
    .update(read(join(ROOT, 'package-lock.json')))
    .digest('hex');

/** Names, sizes and times of all sources: cheap, and changes whenever one of them does. */
const sourceHash = () => {
  const hash = createHash('sha256').update(lockHash()).update(process.version);
  const walk = (folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.name === 'node_modules' || entry.name === 'dist') continue;
      const path = join(folder, entry.name);
      if (entry.isDirectory()) walk(path);
      else if (/\.(ts|json)$/.test(entry.name)) {
        const { size, mtimeMs } = statSync(path);
        hash.update(`${path}:${size}:${mtimeMs}\n`);
      }
    }
  };
  for (const folder of ['libs', 'apps']) walk(join(ROOT, folder));
  return hash.digest('hex');
};

/** Whether a person ran `npm ci`: npm notes what it put there, and leaves out what is for other machines. */
const isInstalledByHand = () => {
  const noted = read(join(ROOT, 'node_modules/.package-lock.json'));
  if (noted === '') return false;
  const installed = JSON.parse(noted).packages;
  const { '': _root, ...wanted } = JSON.parse(read(join(ROOT, 'package-lock.json'))).packages;
  return Object.entries(wanted).every(([path, { version, optional, devOptional, peer, link }]) => {
    if (link) return true;
    const found = installed[path];
    return found === undefined ? optional || devOptional || peer : found.version === version;
  });
};

const needsInstall = () => read(LOCK_STAMP) !== lockHash() && !isInstalledByHand();
const needsBuild = () => needsInstall() || read(BUILD_STAMP) !== sourceHash();

/** Whether there is something to run, of whatever sources. */
const isBuilt = () => existsSync(join(ROOT, 'apps/standalone/dist/index.js'));

const quiet = { ...process.env, npm_config_loglevel: 'error' };

/** Nothing in our set needs an install script, so none is run. Development tools too: tsc builds us. */
const installModules = async () => {
  await run('npm', ['ci', '--ignore-scripts', '--include=dev'], { cwd: ROOT, env: quiet });
  writeFileSync(LOCK_STAMP, lockHash());
};

const build = async () => {
  await run(process.execPath, [join(ROOT, 'node_modules/typescript7/bin/tsc'), '-b'], {
    cwd: ROOT,
  });
  writeFileSync(BUILD_STAMP, sourceHash());
};

module.exports = { ROOT, needsInstall, needsBuild, isBuilt, installModules, build };
