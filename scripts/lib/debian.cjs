'use strict';
const {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} = require('node:fs');
const { join } = require('node:path');
const { ask, run, which, isRoot } = require('./run.cjs');

const isDebian = () => which('apt-get') !== undefined && which('dpkg-deb') !== undefined;

/** Installs packages; their services are not started: a policy file forbids it while apt runs. */
const installPackages = async (packages) => {
  const policy = '/usr/sbin/policy-rc.d';
  const ours = !existsSync(policy);
  if (ours) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    await run('apt-get', ['update', '-q'], { env });
    await run('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...packages], { env });
  } finally {
    if (ours) rmSync(policy, { force: true });
  }
};

/** The machine's own Debian mirror, from its own configuration; undefined where there is none. */
const ownMirror = () => {
  const folder = '/etc/apt/sources.list.d';
  const files = ['/etc/apt/sources.list', ...list(folder).map((name) => join(folder, name))];
  const texts = files.filter((file) => existsSync(file)).map((file) => readFileSync(file, 'utf8'));
  const uris = texts.flatMap((text) => [
    ...[...text.matchAll(/^URIs:\s*(\S+)/gm)].map((match) => match[1]),
    ...[...text.matchAll(/^deb\s+(?:\[[^\]]*\]\s+)?(\S+)/gm)].map((match) => match[1]),
  ]);
  return uris.find((uri) => /\/debian\/?$/.test(uri)) ?? uris.find((uri) => /debian/.test(uri));
};

const list = (folder) => (existsSync(folder) ? readdirSync(folder) : []);

/** Options of an apt that keeps its lists and downloads in a folder of ours, and needs no root. */
const privateApt = (folder, source) => {
  for (const sub of ['lists/partial', 'cache/archives/partial'])
    mkdirSync(join(folder, sub), { recursive: true });
  if (source !== undefined) writeFileSync(join(folder, 'source.list'), source);
  const options = [
    ...(source === undefined
      ? []
      : [`Dir::Etc::sourcelist=${join(folder, 'source.list')}`, 'Dir::Etc::sourceparts=/dev/null']),
    `Dir::State::lists=${join(folder, 'lists')}`,
    `Dir::Cache=${join(folder, 'cache')}`,
    ...(isRoot() ? ['APT::Sandbox::User=root'] : []),
    'Debug::NoLocking=true',
  ];
  return options.flatMap((option) => ['-o', option]);
};

/** Unpacks one package of another Debian suite from the machine's own mirror, without installing it. */
const unpackFromSuite = async (packageName, suite, folder) => {
  const mirror = ownMirror();
  const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
  if (mirror === undefined || !existsSync(keyring))
    throw new Error('this machine names no Debian mirror');
  const options = privateApt(folder, `deb [signed-by=${keyring}] ${mirror} ${suite} main\n`);
  await run('apt-get', [...options, '-q', 'update'], { cwd: folder });
  await run('apt-get', [...options, '-q', 'download', packageName], { cwd: folder });
  return unpackAll(folder);
};

/** Unpacks packages of this machine's suite and what they need and the machine lacks: no root needed. */
const unpackWithDependencies = async (packages, folder) => {
  const options = privateApt(folder, undefined);
  await run('apt-get', [...options, '-q', 'update'], { cwd: folder });
  const simulated = await run('apt-get', [
    ...options,
    '-s',
    '-q',
    'install',
    '--no-install-recommends',
    ...packages,
  ]);
  const names = [...simulated.matchAll(/^Inst (\S+)/gm)].map((match) => match[1]);
  await run('apt-get', [...options, '-q', 'download', ...names], { cwd: folder });
  return unpackAll(folder);
};

const unpackAll = async (folder) => {
  const root = join(folder, 'root');
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.deb'))) {
    await run('dpkg-deb', ['-x', join(folder, name), root]);
    rmSync(join(folder, name));
  }
  rmSync(join(folder, 'lists'), { recursive: true, force: true });
  rmSync(join(folder, 'cache'), { recursive: true, force: true });
  return root;
};

const machineName = () => ask('dpkg-architecture', ['-qDEB_HOST_MULTIARCH']) ?? 'x86_64-linux-gnu';

module.exports = {
  isDebian,
  installPackages,
  ownMirror,
  unpackFromSuite,
  unpackWithDependencies,
  machineName,
};
