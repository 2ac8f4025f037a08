import { realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { copyOf, defined, findNpm, findPrograms, librariesOf, treeOf } from './machine-files.js';
import { mergedLinks, type RootFile } from './root-files.js';

/** What scripts and people expect to find beside a shell. All of it is this machine's. */
const PROGRAMS =
  'sh dash bash env cat cp mv rm mkdir rmdir ln ls chmod chown touch echo printf printenv date sleep test [ true false head tail sort uniq wc tr cut tee basename dirname realpath readlink pwd seq id whoami uname nproc mktemp sha256sum md5sum base64 install timeout stat du df expr nohup find xargs grep sed awk tar gzip gunzip ps kill which hostname diff cmp ldd'.split(
    ' ',
  );

const TERMINALS = ['l/linux', 's/screen', 'x/xterm', 'x/xterm-256color', 'v/vt100', 'd/dumb'];

const NODE_UID = 1000;

/**
 * The root file system of the Node.js stack: this machine's node, npm, shell and small programs with
 * the libraries they need, and one user without rights. Throws where node or npm cannot be found.
 */
export const nodeRootFiles = async (nodePath: string): Promise<readonly RootFile[]> => {
  const node = await realpath(nodePath);
  const npm = await findNpm(nodePath);
  if (npm === undefined) {
    throw new Error(`no npm beside ${nodePath}: install npm for the same Node.js`);
  }
  const programs = await findPrograms(PROGRAMS);
  const copies = await Promise.all([
    copyOf(node, 'usr/local/bin/node'),
    ...programs.map(({ name, path }) => copyOf(path, `usr/bin/${name}`)),
    ...TERMINALS.flatMap((name) => [
      copyOf(`/lib/terminfo/${name}`, `usr/lib/terminfo/${name}`),
      copyOf(`/usr/share/terminfo/${name}`, `usr/share/terminfo/${name}`),
    ]),
    copyOf('/etc/ssl/certs/ca-certificates.crt', 'etc/ssl/certs/ca-certificates.crt'),
    copyOf('/etc/os-release', 'etc/os-release'),
  ]);
  return [
    ...frame,
    ...defined(copies),
    ...(await librariesOf([node, ...programs.map(({ path }) => path)])),
    ...(await npmFiles(npm)),
  ];
};

const npmFiles = async (npm: string): Promise<RootFile[]> => {
  // Debian's npm is spread over a common directory, from which its node loads parts of itself, too.
  const shared = '/usr/share/nodejs';
  if (npm.startsWith(`${shared}/`)) {
    return [
      ...(await treeOf(shared, shared)),
      { kind: 'link', path: 'usr/local/bin/npm', target: `${npm}/bin/npm-cli.js` },
      { kind: 'link', path: 'usr/local/bin/npx', target: `${npm}/bin/npx-cli.js` },
    ];
  }
  return [
    ...(await treeOf(npm, 'usr/local/lib/node_modules/npm')),
    { kind: 'link', path: 'usr/local/bin/npm', target: '../lib/node_modules/npm/bin/npm-cli.js' },
    { kind: 'link', path: 'usr/local/bin/npx', target: '../lib/node_modules/npm/bin/npx-cli.js' },
  ];
};

/** Headers of exactly this node, for compiling modules; undefined where the machine has none. */
export const nodeHeaders = async (nodePath: string): Promise<RootFile[] | undefined> => {
  const prefix = dirname(dirname(await realpath(nodePath)));
  for (const from of [join(prefix, 'include/node'), '/usr/include/nodejs/src']) {
    if ((await copyOf(join(from, 'node_version.h'), 'x')) !== undefined) {
      return treeOf(from, 'usr/local/include/node');
    }
  }
  return undefined;
};

const directory = (path: string, mode = 0o755, uid = 0): RootFile => ({
  kind: 'directory',
  path,
  mode,
  uid,
});

const frame: readonly RootFile[] = [
  ...['usr/bin', 'usr/sbin', 'usr/lib', 'usr/lib64', 'usr/local/bin', 'etc', 'var', 'run'].map(
    (path) => directory(path),
  ),
  ...mergedLinks,
  directory('root', 0o700),
  directory('home'),
  directory('home/node', 0o755, NODE_UID),
  directory('tmp', 0o1777),
  directory('var/tmp', 0o1777),
  {
    kind: 'text',
    path: 'etc/passwd',
    text: `root:x:0:0:root:/root:/bin/sh\nnode:x:${NODE_UID}:${NODE_UID}:node:/home/node:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n`,
  },
  {
    kind: 'text',
    path: 'etc/group',
    text: `root:x:0:\ntty:x:5:\nnode:x:${NODE_UID}:\nnogroup:x:65534:\n`,
  },
  {
    kind: 'text',
    path: 'etc/nsswitch.conf',
    text: 'passwd: files\ngroup: files\nhosts: files dns\n',
  },
];
