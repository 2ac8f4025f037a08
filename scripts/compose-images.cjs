// Makes the images that docker-compose.yml needs from this machine itself, for where no registry
// answers: one Debian base with Node.js, git, HAProxy, PostgreSQL and nats-server, from the machine's
// own mirror and binaries. Prints the environment that makes compose use it.
'use strict';
const {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} = require('node:fs');
const { spawn } = require('node:child_process');
const { homedir, tmpdir } = require('node:os');
const { dirname, join } = require('node:path');
const { ask, run, which } = require('./lib/run.cjs');
const { installPackages, ownMirror } = require('./lib/debian.cjs');
const { findNatsServer, fetchNatsServer } = require('./lib/nats.cjs');
const { step } = require('./lib/progress.cjs');

const IMAGE = 'shiplog-base:local';
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';
const DOCUMENTATION = ['doc', 'man', 'info', 'locale'].map((name) => `usr/share/${name}`);
const PACKAGES = ['ca-certificates', 'git', 'haproxy', 'postgresql', 'libstdc++6', 'libatomic1'];

/** What the official image does at its first start, as far as we use it. */
const POSTGRES_ENTRYPOINT = `#!/bin/sh
set -eu
data="\${PGDATA:-/var/lib/postgresql/data}"
bin=$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)
mkdir -p "$data" /var/run/postgresql
chown -R postgres:postgres "$data" /var/run/postgresql
chmod 700 "$data"
if [ ! -s "$data/PG_VERSION" ]; then
  install -o postgres -m 0600 "$POSTGRES_PASSWORD_FILE" /tmp/password
  setpriv --reuid=postgres --regid=postgres --init-groups "$bin/initdb" -D "$data" -U postgres --pwfile=/tmp/password --auth=scram-sha-256 >/dev/null
  rm /tmp/password
  echo "host all all all scram-sha-256" >> "$data/pg_hba.conf"
fi
exec setpriv --reuid=postgres --regid=postgres --init-groups "$bin/postgres" -D "$data" -c listen_addresses='*'
`;

const main = async () => {
  if (ask('docker', ['image', 'inspect', IMAGE]) !== undefined && !process.argv.includes('--force'))
    return show();
  const bin = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'shiplog/bin');
  mkdirSync(bin, { recursive: true });
  const folder = mkdtempSync(join(tmpdir(), 'shiplog-base-'));
  const root = join(folder, 'root');
  try {
    if (which('debootstrap') === undefined)
      await step('install debootstrap', () => installPackages(['debootstrap']));
    const codename =
      /^VERSION_CODENAME=(\w+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'stable';
    await step(`unpack a Debian ${codename} base`, () =>
      run(which('debootstrap'), [
        '--variant=minbase',
        `--include=${PACKAGES.join(',')}`,
        codename,
        root,
        ownMirror(),
      ]),
    );
    await step('add Node.js, npm and nats-server', async () =>
      addPrograms(root, findNatsServer(bin) ?? (await fetchNatsServer(dirname(bin), bin))),
    );
    await step(`import ${IMAGE}`, () => importImage(root));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return show();
};

const addPrograms = async (root, nats) => {
  copyFileSync(process.execPath, join(root, 'usr/local/bin/node'));
  const npm = join(ask('npm', ['root', '--global']), 'npm');
  cpSync(npm, join(root, 'usr/local/lib/node_modules/npm'), { recursive: true });
  for (const name of ['npm', 'npx']) {
    await run('ln', [
      '-sf',
      `../lib/node_modules/npm/bin/${name}-cli.js`,
      join(root, 'usr/local/bin', name),
    ]);
  }
  copyFileSync(nats, join(root, 'nats-server'));
  chmodSync(join(root, 'nats-server'), 0o755);
  writeFileSync(join(root, 'usr/local/bin/docker-entrypoint.sh'), POSTGRES_ENTRYPOINT, {
    mode: 0o755,
  });
  trustWhatWeTrust(root);
  addHeaders(root);
  // The list of its mirror stays: compilers for apps with native modules come from there.
  for (const name of ['var/cache/apt', 'var/lib/apt/lists', ...DOCUMENTATION])
    rmSync(join(root, name), { recursive: true, force: true });
};

/** A machine behind a proxy of its own trusts more than the package does; so must npm and apt in there. */
const trustWhatWeTrust = (root) => {
  const asked = ask('npm', ['config', 'get', 'cafile']);
  const bundle = [asked, process.env.NODE_EXTRA_CA_CERTS, CERTIFICATES].find(
    (path) => path && existsSync(path),
  );
  if (bundle === undefined) return;
  const own = readFileSync(join(root, CERTIFICATES), 'utf8');
  writeFileSync(join(root, CERTIFICATES), `${own}\n${readFileSync(bundle, 'utf8')}`);
  mkdirSync(join(root, 'usr/local/etc'), { recursive: true });
  writeFileSync(join(root, 'usr/local/etc/npmrc'), `cafile=${CERTIFICATES}\n`);
};

/** What native modules of apps are compiled against. */
const addHeaders = (root) => {
  const from = join(dirname(dirname(realpathSync(process.execPath))), 'include/node');
  if (existsSync(from)) cpSync(from, join(root, 'usr/local/include/node'), { recursive: true });
};

const importImage = (root) =>
  new Promise((resolve, reject) => {
    const tar = spawn('tar', ['-C', root, '-c', '.'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const docker = spawn(
      'docker',
      [
        'import',
        '--change',
        'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        '-',
        IMAGE,
      ],
      {
        stdio: [tar.stdout, 'ignore', 'inherit'],
      },
    );
    docker.on('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`docker import ended with ${code}`)),
    );
    docker.on('error', reject);
  });

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
