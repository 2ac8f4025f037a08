import { mkdir, readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { replaceFile } from '../replace-file.js';
import { tlsPaths } from './tls-paths.js';
import type { RouterPaths } from '../routes/router-paths.js';

type TlsPaths = ReturnType<typeof tlsPaths>;

/** HAProxy does not start without its list; a machine that was started again has none. */
export const ensureTlsFiles = async (paths: RouterPaths): Promise<void> => {
  const { directory, list } = tlsPaths(paths);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  if (!(await readdir(directory)).includes('crt.list')) await replaceFile(list, '');
};

/** One line of the list: the file, and the one name that it is served for. */
export const listLine = (paths: TlsPaths, domain: string): string =>
  `${paths.certificate(domain)} ${domain}`;

/** Which of these certificates have a file, so that the next start of the proxy brings them. */
export const storedOf = async (
  paths: TlsPaths,
  domains: Iterable<string>,
): Promise<ReadonlySet<string>> => {
  const names = new Set(await readdir(paths.directory).catch(() => []));
  return new Set([...domains].filter((domain) => names.has(nameOf(paths, domain))));
};

/**
 * The files of what is served: those that were `given` now are written, the others stay as they are. Certificates come
 * before the list that names them, so that HAProxy starts with what is there at any moment.
 */
export const writeTlsFiles = async (
  paths: TlsPaths,
  served: Iterable<string>,
  given: ReadonlyMap<string, string>,
): Promise<void> => {
  const domains = [...served];
  for (const domain of domains) {
    const pem = given.get(domain);
    if (pem !== undefined) await replaceFile(paths.certificate(domain), pem);
  }
  const stored = [...(await storedOf(paths, domains))];
  const lines = stored.map((domain) => `${listLine(paths, domain)}\n`).join('');
  await replaceFile(paths.list, lines);
  const names = new Set(['crt.list', ...stored.map((domain) => nameOf(paths, domain))]);
  for (const name of await readdir(paths.directory))
    if (!names.has(name)) await rm(join(paths.directory, name), { force: true });
};

const nameOf = (paths: TlsPaths, domain: string): string => basename(paths.certificate(domain));
