import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, constants, readFile, readdir } from 'node:fs/promises';
import { basename, delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import type Docker from 'dockerode';
import { pack } from 'tar-stream';
import { engineStatus } from '@shiplog/engine';

const run = promisify(execFile);

/** Where packages put it, though a user's PATH often does not lead there. */
const SYSTEM_DIRECTORIES = ['/usr/sbin', '/usr/local/sbin', '/usr/bin', '/usr/local/bin'];

/** Where the image has its program, its libraries, and the hosts files. */
export const PROGRAM = '/usr/sbin/dnsmasq';
export const HOSTS_FOLDER = '/hosts';
const LIBRARIES = '/lib/resolver';

/** `SHIPLOG_DNSMASQ`, else the first one in PATH, else where packages put it; undefined where there is none. */
export const findDnsmasq = async (env: NodeJS.ProcessEnv): Promise<string | undefined> => {
  const given = env['SHIPLOG_DNSMASQ'] ?? '';
  const folders = [...(env['PATH'] ?? '').split(delimiter).filter(Boolean), ...SYSTEM_DIRECTORIES];
  const candidates = given === '' ? folders.map((folder) => join(folder, 'dnsmasq')) : [given];
  for (const candidate of candidates) {
    const isThere = await access(candidate, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return candidate;
  }
  return undefined;
};

interface File {
  readonly path: string;
  readonly bytes: Buffer;
}

/**
 * An image of nothing but this machine's dnsmasq and the libraries it loads: no registry is needed. The
 * same bytes have the same name, so that it is made once. Returns that name.
 */
export const ensureResolverImage = async (docker: Docker, dnsmasq: string): Promise<string> => {
  const files = await filesOf(dnsmasq);
  const hash = createHash('sha256');
  for (const { path, bytes } of files) hash.update(`${path} ${bytes.length}\n`).update(bytes);
  const [repo, tag] = ['shiplog-resolver', hash.digest('hex').slice(0, 12)];
  const name = `${repo}:${tag}`;
  if (await isThere(docker, name)) return name;
  const archive = pack();
  archive.entry({ name: HOSTS_FOLDER.slice(1), type: 'directory', mode: 0o755 });
  for (const { path, bytes } of files) archive.entry({ name: path.slice(1), mode: 0o755 }, bytes);
  archive.finalize();
  const changes = `ENV LD_LIBRARY_PATH=${LIBRARIES}`;
  const output = await docker.importImage(archive as unknown as NodeJS.ReadableStream, {
    ...{ repo, tag, changes },
  });
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(output, (error) => (error === null ? resolve() : reject(error)));
  });
  return name;
};

const isThere = async (docker: Docker, name: string): Promise<boolean> => {
  try {
    await docker.getImage(name).inspect();
    return true;
  } catch (error) {
    if (engineStatus(error) === 404) return false;
    throw error;
  }
};

/** The program, the loader where it looks for it, and each library by its name alone. */
const filesOf = async (dnsmasq: string): Promise<readonly File[]> => {
  const { stdout } = await run('ldd', [dnsmasq], { env: await loaderEnvironment(dnsmasq) });
  const missing = /^\s*(\S+) => not found$/m.exec(stdout)?.[1];
  if (missing !== undefined) throw new Error(`${dnsmasq} does not find its library ${missing}`);
  const libraries = [...stdout.matchAll(/^\s*\S+ => (\/\S+)/gm)].map(([, path = '']) => path);
  const loader = /^\s*(\/\S+) \(0x/m.exec(stdout)?.[1];
  const places = [
    [dnsmasq, PROGRAM],
    ...(loader === undefined ? [] : [[loader, loader]]),
    ...libraries.toSorted().map((path) => [path, join(LIBRARIES, basename(path))]),
  ];
  return await Promise.all(
    places.map(async ([from = '', path = '']) => ({ path, bytes: await readFile(from) })),
  );
};

/** A program of unpacked packages finds its libraries beside it (scripts/lib/tools.cjs). */
const loaderEnvironment = async (program: string): Promise<NodeJS.ProcessEnv> => {
  const root = program.slice(0, Math.max(0, program.indexOf('/usr/sbin/')));
  const folders = ['usr/lib', 'lib'].map((folder) => join(root, folder));
  const found = await Promise.all(
    folders.map(async (folder) => {
      const names = await readdir(folder).catch(() => []);
      return names.filter((name) => name.endsWith('-linux-gnu')).map((name) => join(folder, name));
    }),
  );
  const { PATH = '' } = process.env;
  return root === '' ? { PATH } : { PATH, LD_LIBRARY_PATH: found.flat().join(':') };
};
