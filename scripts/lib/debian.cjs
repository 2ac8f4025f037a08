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

const isInstalled = (name) =>
  ask('dpkg-query', ['-W', '-f', '${Status}', name])?.includes('ok installed') ?? false;

/** Services that come with packages but are ours to start: we run these programs on our own terms. */
const UNWANTED_SERVICES = ['haproxy', 'nginx', 'postgresql'];

const POLICY_FILE = '/usr/sbin/policy-rc.d';
const POLICY = `#!/bin/sh
# Shiplog installs packages just now: their services are not started. It takes this file away afterwards.
exit 101
`;
const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * Does `work` while no package may start its service. Left behind, that policy would hold for everything
 * that is ever installed on this machine: a signal takes effect only when the work has ended, and what a
 * killed run left is taken for ours. A policy of the machine's own stays.
 */
const withoutServices = async (work, file = POLICY_FILE) => {
  if (existsSync(file) && readFileSync(file, 'utf8') !== POLICY) return work();
  let stoppedBy;
  const remember = (signal) => (stoppedBy ??= signal);
  for (const signal of STOP_SIGNALS) process.on(signal, remember);
  writeFileSync(file, POLICY, { mode: 0o755 });
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
    for (const signal of STOP_SIGNALS) process.off(signal, remember);
    if (stoppedBy !== undefined) process.kill(process.pid, stoppedBy);
  }
};

/**
 * Installs packages. Their services are not started: a policy file forbids it while apt runs; and those
 * that only bring us a program are not started at the next boot either.
 */
const installPackages = async (packages) => {
  await withoutServices(async () => {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    // A fresh machine often updates itself in the background: wait for its lock.
    const options = ['-o', 'DPkg::Lock::Timeout=300', '-q'];
    // One source that does not answer must not stop us: what is missing shows at the installation.
    const update = await run('apt-get', [...options, 'update'], { env }).catch((error) => error);
    // From Debian 13 on the client is a package of its own.
    const wantsClient = packages.includes('docker.io') && ask('apt-cache', ['show', 'docker-cli']);
    const names = wantsClient ? [...packages, 'docker-cli'] : packages;
    const install = ['install', '-y', '--no-install-recommends', ...names];
    await run('apt-get', [...options, ...install], { env }).catch((error) => {
      throw update instanceof Error ? new Error(`${error.message}\n${update.message}`) : error;
    });
  });
  for (const service of UNWANTED_SERVICES.filter((name) => packages.includes(name))) {
    ask('deb-systemd-helper', ['disable', `${service}.service`]);
    ask('update-rc.d', [service, 'disable']);
  }
};

const list = (folder) => (existsSync(folder) ? readdirSync(folder) : []);

/** The machine's own mirror of its distribution, from its own configuration; undefined where there is none. */
const ownMirror = (distribution) => {
  const folder = '/etc/apt/sources.list.d';
  const files = ['/etc/apt/sources.list', ...list(folder).map((name) => join(folder, name))];
  const texts = files.filter((file) => existsSync(file)).map((file) => readFileSync(file, 'utf8'));
  const uris = texts.flatMap((text) => [
    ...[...text.matchAll(/^URIs:\s*(\S+)/gm)].map((match) => match[1]),
    ...[...text.matchAll(/^deb\s+(?:\[[^\]]*\]\s+)?(\S+)/gm)].map((match) => match[1]),
  ]);
  return uris.find((uri) => new RegExp(`/${distribution}/?$`).test(uri));
};

/** Where newer packages of the same distribution are, newest first. */
const NEWER = {
  debian: { suites: ['sid', 'forky', 'testing'], components: 'main' },
  ubuntu: { suites: ['devel'], components: 'main universe' },
};

/** `deb` lines of newer suites, by suite name; empty where the machine names no mirror of its own. */
const newerSources = () =>
  Object.entries(NEWER).flatMap(([distribution, { suites, components }]) => {
    const mirror = ownMirror(distribution);
    const keyring = `/usr/share/keyrings/${distribution}-archive-keyring.gpg`;
    if (mirror === undefined || !existsSync(keyring)) return [];
    return suites.map((suite) => ({
      suite,
      line: `deb [signed-by=${keyring}] ${mirror} ${suite} ${components}\n`,
    }));
  });

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
    'Acquire::Languages=none',
    ...(isRoot() ? ['APT::Sandbox::User=root'] : []),
    'Debug::NoLocking=true',
  ];
  return options.flatMap((option) => ['-o', option]);
};

/** Unpacks one package of a newer suite (a line of `newerSources`) into a folder, without installing it. */
const unpackFromSuite = async (packageName, source, folder) => {
  const options = privateApt(folder, source);
  await run('apt-get', [...options, '-q', 'update'], { cwd: folder });
  await run('apt-get', [...options, '-q', 'download', packageName], { cwd: folder });
  return unpackAll(folder);
};

/** Unpacks packages of this machine's suite and what they need and the machine lacks: no root needed. */
const unpackWithDependencies = async (packages, folder) => {
  const options = privateApt(folder, undefined);
  await run('apt-get', [...options, '-q', 'update'], { cwd: folder });
  const install = ['-s', '-q', 'install', '--no-install-recommends', ...packages];
  const simulated = await run('apt-get', [...options, ...install]);
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
  for (const sub of ['lists', 'cache']) rmSync(join(folder, sub), { recursive: true, force: true });
  return root;
};

module.exports = {
  isDebian,
  isInstalled,
  installPackages,
  withoutServices,
  ownMirror,
  newerSources,
  unpackFromSuite,
  unpackWithDependencies,
};
