import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
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

/** Certificates before the list that names them, so that HAProxy starts with what is there at any moment. */
export const writeTlsFiles = async (
  paths: TlsPaths,
  pems: ReadonlyMap<string, string>,
): Promise<void> => {
  const names = new Set(['crt.list']);
  for (const [domain, pem] of pems) {
    const file = paths.certificate(domain);
    names.add(file.slice(paths.directory.length + 1));
    await replaceFile(file, pem);
  }
  await replaceFile(
    paths.list,
    [...pems.keys()].map((domain) => `${listLine(paths, domain)}\n`).join(''),
  );
  for (const name of await readdir(paths.directory))
    if (!names.has(name)) await rm(join(paths.directory, name), { force: true });
};
