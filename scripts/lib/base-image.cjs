'use strict';
const {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} = require('node:fs');
const { dirname, join } = require('node:path');
const { ask, which } = require('./run.cjs');

const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';
const DOCUMENTATION = ['doc', 'man', 'info', 'locale'].map((name) => `usr/share/${name}`);

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

/** Puts into a fresh root file system what its packages do not bring, from this machine. */
const addPrograms = (root, nats) => {
  addNode(root);
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

/** This machine's Node.js with the libraries that it needs and the packages did not bring, and its npm. */
const addNode = (root) => {
  copyFileSync(process.execPath, join(root, 'usr/local/bin/node'));
  for (const [, path] of (ask('ldd', [process.execPath]) ?? '').matchAll(/(\/\S+) \(0x/g)) {
    if (existsSync(join(root, path))) continue;
    mkdirSync(dirname(join(root, path)), { recursive: true });
    copyFileSync(path, join(root, path));
  }
  const npm = dirname(dirname(realpathSync(which('npm'))));
  // Debian's npm loads parts of itself from the folder that all its packages share.
  const isSpread = npm.startsWith('/usr/share/nodejs/');
  const target = isSpread ? npm : '/usr/local/lib/node_modules/npm';
  cpSync(isSpread ? dirname(npm) : npm, join(root, isSpread ? dirname(npm) : target), {
    recursive: true,
    verbatimSymlinks: true,
  });
  for (const name of ['npm', 'npx'])
    symlinkSync(`${target}/bin/${name}-cli.js`, join(root, 'usr/local/bin', name));
};

/** What native modules of apps are compiled against. */
const addHeaders = (root) => {
  const from = join(dirname(dirname(realpathSync(process.execPath))), 'include/node');
  if (existsSync(from)) cpSync(from, join(root, 'usr/local/include/node'), { recursive: true });
};

module.exports = { addPrograms };
