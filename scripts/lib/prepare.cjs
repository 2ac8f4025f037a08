'use strict';
const { mkdirSync } = require('node:fs');
const { homedir } = require('node:os');
const { join } = require('node:path');
const readline = require('node:readline/promises');
const { ask, which, isRoot } = require('./run.cjs');
const { step } = require('./progress.cjs');
const debian = require('./debian.cjs');
const engine = require('./engine.cjs');
const nats = require('./nats.cjs');
const workspace = require('./workspace.cjs');

const CACHE = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'shiplog');
const BIN = join(CACHE, 'bin');
const UNPACKED = join(CACHE, 'unpacked');
const PACKAGE_OF = { git: 'git', haproxy: 'haproxy' };

/**
 * Brings the machine to where the platform can start, or says what a person has to do. Returns the
 * environment that names the tools found. Nothing is done that was done before: a second run only looks.
 */
const prepare = async ({ yes, for: purpose, more = [] }) => {
  const todo = await whatIsMissing(more);
  if (todo.steps.length > 0) {
    if (todo.system.length > 0) await confirm(todo.system, yes);
    mkdirSync(BIN, { recursive: true });
    for (const { title, work } of todo.steps) await step(title, work);
  }
  return { env: await environment(purpose) };
};

const whatIsMissing = async (more) => {
  const steps = [];
  const system = [];
  const found = await engine.findEngine();
  const missing = Object.keys(PACKAGE_OF).filter((tool) => findTool(tool) === undefined);
  const packages = [
    ...missing.map((tool) => PACKAGE_OF[tool]),
    ...more.filter((p) => !isInstalled(p)),
  ];
  const needsEngine = found.address === undefined && !engine.canStartEngine();

  if (needsEngine) {
    refuseWithoutEngine(found);
    packages.push('docker.io', 'iptables');
  }
  if (packages.length > 0) {
    if (!debian.isDebian()) throw new Error(useCompose(packages));
    system.push(`Debian packages: ${packages.join(', ')}`);
    if (isRoot())
      steps.push({
        title: `install ${packages.join(', ')}`,
        work: () => debian.installPackages(packages),
      });
    else
      steps.push({
        title: `unpack ${packages.join(', ')}`,
        work: () => debian.unpackWithDependencies(packages, ensure(UNPACKED)),
      });
  }
  if (found.address === undefined)
    steps.push({ title: 'start the Docker Engine', work: engine.startEngine });
  if (nats.findNatsServer(BIN) === undefined) {
    system.push(`nats-server 2.14 or newer, unpacked into ${BIN}`);
    steps.push({ title: 'get nats-server', work: () => nats.fetchNatsServer(ensure(CACHE), BIN) });
  }
  if (workspace.needsInstall()) {
    system.push('npm packages of package-lock.json, into node_modules');
    steps.push({ title: 'install npm packages', work: workspace.installModules });
  }
  // Development: where sources change under a running test, what was built before is run as it is.
  const buildsHere = process.env.SHIPLOG_SKIP_BUILD !== '1' || !workspace.isBuilt();
  if (buildsHere && workspace.needsBuild()) steps.push({ title: 'build', work: workspace.build });
  return { steps, system };
};

const ensure = (folder) => {
  mkdirSync(folder, { recursive: true });
  return folder;
};

const isInstalled = (name) =>
  ask('dpkg-query', ['-W', '-f', '${Status}', name])?.includes('ok installed') ?? false;

const refuseWithoutEngine = (found) => {
  if (found.denied !== undefined) {
    throw new Error(
      `the engine at ${found.denied} refuses this user. Add yourself to its group and log in again:\n  sudo usermod -aG docker "$USER"`,
    );
  }
  if (!debian.isDebian()) throw new Error(useCompose(['a Docker Engine']));
  if (!isRoot()) {
    throw new Error(
      'there is no Docker Engine, and installing one needs root. Either run `sudo npm start`,\n' +
        'or let an administrator do: apt-get install docker.io && usermod -aG docker <you>',
    );
  }
};

const useCompose = (packages) =>
  `${packages.join(', ')} cannot be installed here (no apt). With any Docker Engine this works instead:\n  docker compose up --build --wait`;

const findTool = (tool) =>
  which(tool, [join(UNPACKED, 'root/usr/bin'), join(UNPACKED, 'root/usr/sbin')]);

const confirm = async (system, yes) => {
  console.error('Shiplog will install:');
  for (const line of system) console.error(`  - ${line}`);
  if (yes || process.stdin.isTTY !== true) return;
  const dialogue = readline.createInterface({ input: process.stdin, output: process.stderr });
  const answer = await dialogue.question('Go on? [Y/n] ');
  dialogue.close();
  if (/^n/i.test(answer.trim())) {
    throw Object.assign(new Error('nothing was installed'), { code: 'usage' });
  }
};

const environment = async () => {
  const { address } = await engine.findEngine();
  const haproxy = findTool('haproxy');
  const git = findTool('git');
  const unpacked = [haproxy, git].some((path) => path?.startsWith(UNPACKED));
  const libraries = join(UNPACKED, 'root/usr/lib', unpacked ? debian.machineName() : '');
  return {
    SHIPLOG_ENGINE: address,
    SHIPLOG_NATS_SERVER: nats.findNatsServer(BIN),
    SHIPLOG_HAPROXY: haproxy,
    ...(unpacked
      ? {
          PATH: `${join(UNPACKED, 'root/usr/bin')}:${process.env.PATH}`,
          LD_LIBRARY_PATH: libraries,
          GIT_EXEC_PATH: git?.startsWith(UNPACKED)
            ? join(UNPACKED, 'root/usr/lib/git-core')
            : undefined,
        }
      : {}),
  };
};

module.exports = { prepare };
