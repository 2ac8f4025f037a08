// Makes the images that docker-compose.yml needs from this machine itself, for where no registry
// answers: one Debian base with Node.js, git, HAProxy, PostgreSQL and nats-server, from the machine's
// own mirror and binaries. Prints the environment that makes compose use it.
'use strict';
const { createHash } = require('node:crypto');
const { mkdtempSync, readFileSync, rmSync } = require('node:fs');
const { spawn } = require('node:child_process');
const { request } = require('node:http');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { ask, isRoot, run, which } = require('./lib/run.cjs');
const { installPackages, isDebian, ownMirror } = require('./lib/debian.cjs');
const { addPrograms } = require('./lib/base-image.cjs');
const { askEngine, findEngine, targetOf } = require('./lib/engine.cjs');
const { findNatsServer, fetchNatsServer } = require('./lib/nats.cjs');
const { step } = require('./lib/progress.cjs');
const { BIN, CACHE } = require('./lib/tools.cjs');

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const PACKAGES = [
  ...['ca-certificates', 'git', 'haproxy', 'dnsmasq-base', 'postgresql'],
  ...['libstdc++6', 'libatomic1'],
];
/** Another one when other packages are wanted. */
const IMAGE = `shiplog-base:${createHash('sha256').update(PACKAGES.join()).digest('hex').slice(0, 8)}`;

const main = async () => {
  const { address } = await findEngine();
  if (address === undefined) throw new Error('no Docker Engine answers; start it, then try again');
  if ((await isThere(address)) && !process.argv.includes('--force')) return show();
  if (!isDebian() || !isRoot())
    throw new Error('making a base image takes a Debian or Ubuntu machine, and root (debootstrap)');
  const folder = mkdtempSync(join(tmpdir(), 'shiplog-base-'));
  const root = join(folder, 'root');
  try {
    if (which('debootstrap') === undefined)
      await step('install debootstrap', () => installPackages(['debootstrap']));
    const release = readFileSync('/etc/os-release', 'utf8');
    const [distribution = 'debian', suite = 'stable'] = [
      /^ID=(\w+)/m,
      /^VERSION_CODENAME=(\w+)/m,
    ].map((line) => line.exec(release)?.[1]);
    const mirror = ownMirror(distribution);
    if (mirror === undefined) throw new Error(`this machine names no mirror of ${distribution}`);
    const include = `--include=${PACKAGES.join(',')}`;
    await step(`unpack a base of ${distribution} ${suite}`, () =>
      run(which('debootstrap'), ['--variant=minbase', include, suite, root, mirror]),
    );
    await step('add Node.js, npm and nats-server', async () =>
      addPrograms(root, findNatsServer(BIN) ?? (await fetchNatsServer(CACHE, BIN))),
    );
    await step(`import ${IMAGE}`, () => importImage(address, root));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return show();
};

/** Through the engine's API: a machine may have an engine and no command line client. */
const importImage = (address, root) =>
  new Promise((resolve, reject) => {
    const [repo, tag] = IMAGE.split(':');
    const query = new URLSearchParams({ fromSrc: '-', repo, tag, changes: `ENV PATH=${PATH}` });
    const path = `/images/create?${query}`;
    const asked = request({ ...targetOf(address), path, method: 'POST' }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk) => (text += chunk));
      answer.on('end', () => {
        if (answer.statusCode < 400 && !/"error"/.test(text)) resolve();
        else reject(new Error(`the engine did not take the image: ${text.trim()}`));
      });
    });
    asked.on('error', reject);
    const tar = spawn('tar', ['-C', root, '-c', '.'], { stdio: ['ignore', 'pipe', 'ignore'] });
    tar.on('error', reject);
    tar.stdout.pipe(asked);
  });

const isThere = (address) =>
  askEngine(address, `/images/${IMAGE}/json`).then(
    () => true,
    () => false,
  );

const show = () => {
  const registry = ask('npm', ['config', 'get', 'registry']);
  for (const name of ['NODE', 'NATS', 'HAPROXY', 'POSTGRES'])
    console.log(`export SHIPLOG_${name}_IMAGE=${IMAGE}`);
  console.log(`export NPM_CONFIG_REGISTRY=${registry}`);
};

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
