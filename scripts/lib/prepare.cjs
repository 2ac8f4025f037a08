'use strict';
const { mkdirSync } = require('node:fs');
const readline = require('node:readline/promises');
const { isRoot } = require('./run.cjs');
const { step } = require('./progress.cjs');
const {
  CACHE,
  BIN,
  UNPACKED,
  findTool,
  findProgram,
  pathWithTools,
  unpackTools,
} = require('./tools.cjs');
const debian = require('./debian.cjs');
const engine = require('./engine.cjs');
const nats = require('./nats.cjs');
const nginx = require('./nginx.cjs');
const workspace = require('./workspace.cjs');

const PACKAGES_OF = {
  git: ['git'],
  haproxy: ['haproxy'],
  nginx: nginx.NGINX_PACKAGES,
  dnsmasq: ['dnsmasq-base'],
};
/** Programs that a start needs, with how each is found. One proxy of the two. */
const missingPrograms = () =>
  ['git', nginx.isNginxWanted() ? 'nginx' : 'haproxy', 'dnsmasq'].filter(
    (tool) => (tool === 'nginx' ? nginx.findNginx() : findTool(tool)) === undefined,
  );
const ENGINE_PACKAGES = ['docker.io', 'iptables'];

/**
 * Brings the machine to where the platform can start, or says what a person has to do. Returns the
 * environment that names the tools found. Nothing is done that was done before: a second run only looks.
 * `more`: Debian packages needed besides.
 */
const prepare = async ({ yes, more = [] }) => {
  if (process.platform !== 'linux') throw new Error(useCompose('What Shiplog needs'));
  const lanes = await whatIsMissing(more);
  const system = lanes.flat().flatMap((one) => (one.system === undefined ? [] : [one.system]));
  if (system.length > 0) await confirm(system, yes);
  mkdirSync(BIN, { recursive: true });
  await allOf(lanes.map((steps) => inTurn(steps)));
  return { env: await environment() };
};

const inTurn = async (steps) => {
  for (const { title, work } of steps) await step(title, work);
};

/** Where one fails, the others come to their end first: half an installation is left by nobody. */
const allOf = async (works) => {
  const failed = (await Promise.allSettled(works)).find(({ status }) => status === 'rejected');
  if (failed !== undefined) throw failed.reason;
};

/** Steps that come one after the other, in lanes that need nothing of each other. */
const whatIsMissing = async (more) => {
  const found = await engine.findEngine();
  const start = { title: 'start the Docker Engine', work: engine.startEngine };
  return [
    [...missingPackages(found, more), ...(found.address === undefined ? [start] : [])],
    missingNatsServer(),
    missingBuild(),
  ];
};

const missingPackages = (found, more) => {
  const programs = missingPrograms();
  const forTests = more.filter((name) => !debian.isInstalled(name));
  const forEngine = [];
  if (found.address === undefined) {
    const obstacle = engine.engineObstacle(found);
    if (obstacle !== undefined) throw new Error(obstacle);
    if (!engine.canStartEngine()) forEngine.push(...ENGINE_PACKAGES);
  }
  const wanted = [...programs.flatMap((tool) => PACKAGES_OF[tool]), ...forTests, ...forEngine];
  const packages = [...new Set(wanted)];
  if (packages.length === 0) return [];
  const names = packages.join(', ');
  if (!debian.isDebian()) throw new Error(useCompose(names));
  if (isRoot()) {
    const work = () => debian.installPackages(packages);
    return [{ title: `install ${names}`, system: `Debian packages: ${names}`, work }];
  }
  if (forTests.length > 0)
    throw new Error(
      `The tests need packages that only root can install:\n  sudo apt-get install --no-install-recommends ${packages.join(' ')}`,
    );
  const system = `Debian packages: ${names}, unpacked into ${UNPACKED}`;
  return [{ title: `unpack ${names}`, system, work: () => unpackTools(packages, programs) }];
};

const missingNatsServer = () => {
  if (nats.findNatsServer(BIN) !== undefined) return [];
  const work = () => nats.fetchNatsServer(CACHE, BIN);
  const system = `nats-server 2.14 or newer, unpacked into ${BIN}`;
  return [{ title: 'get nats-server', system, work }];
};

const missingBuild = () => {
  const steps = [];
  if (workspace.needsInstall())
    steps.push({
      title: 'install npm packages',
      system: 'npm packages of package-lock.json, into node_modules',
      work: workspace.installModules,
    });
  // Development: where sources change under a running test, what was built before is run as it is.
  const buildsHere = process.env.SHIPLOG_SKIP_BUILD !== '1' || !workspace.isBuilt();
  if (buildsHere && workspace.needsBuild()) steps.push({ title: 'build', work: workspace.build });
  return steps;
};

const useCompose = (what) =>
  `${what} cannot be installed here (no apt). With any Docker Engine this works instead:\n  docker compose up --build --wait`;

const confirm = async (system, yes) => {
  console.error('Shiplog will install:');
  for (const line of system) console.error(`  - ${line}`);
  if (yes || process.stdin.isTTY !== true) return;
  if (await isAgreed('Go on? [Y/n] ')) return;
  throw Object.assign(new Error('Nothing was installed.'), { code: 'declined' });
};

/** Return or a word that does not begin with n agrees; Ctrl-C and the end of the input do not. */
const isAgreed = async (question) => {
  const dialogue = readline.createInterface({ input: process.stdin, output: process.stderr });
  const closed = new Promise((resolve) => dialogue.once('close', () => resolve(undefined)));
  const answer = await Promise.race([dialogue.question(question), closed]);
  dialogue.close();
  if (answer === undefined) console.error('');
  return answer !== undefined && !/^n/i.test(answer.trim());
};

/** Whoever names a program means that one; where it is none, the process that needs it says so. */
const given = (name) => process.env[name] || undefined;

const environment = async () => ({
  SHIPLOG_ENGINE: (await engine.findEngine()).address,
  SHIPLOG_NATS_SERVER: nats.findNatsServer(BIN),
  SHIPLOG_HAPROXY: given('SHIPLOG_HAPROXY') ?? findTool('haproxy'),
  SHIPLOG_NGINX: given('SHIPLOG_NGINX') ?? nginx.findNginx(),
  SHIPLOG_DNSMASQ: given('SHIPLOG_DNSMASQ') ?? findProgram('dnsmasq'),
  PATH: pathWithTools(),
});

module.exports = { prepare };
