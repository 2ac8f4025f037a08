import { execFile } from 'node:child_process';
import { readdir, readlink, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, posix, relative } from 'node:path';
import { promisify } from 'node:util';
import { mergedPath, type RootFile } from './root-files.js';

const run = promisify(execFile);

/** A file of this machine under a path of the image; undefined where the machine has none. */
export const copyOf = async (from: string, path: string): Promise<RootFile | undefined> => {
  const found = await stat(from).catch(() => undefined);
  if (found?.isFile() !== true) return undefined;
  return {
    kind: 'copy',
    path: mergedPath(path),
    from,
    mode: found.mode & 0o755,
    bytes: found.size,
    modifiedMs: Math.round(found.mtimeMs),
  };
};

/** A directory of this machine, recursively, under a path of the image. Links that leave it are dropped. */
export const treeOf = async (from: string, path: string): Promise<RootFile[]> => {
  const files: RootFile[] = [];
  const walk = async (directory: string): Promise<void> => {
    for (const found of await readdir(directory, { withFileTypes: true })) {
      const full = join(directory, found.name);
      const name = mergedPath(posix.join(path, relative(from, full)));
      if (found.isDirectory()) {
        files.push({ kind: 'directory', path: name, mode: 0o755 });
        await walk(full);
      } else if (found.isSymbolicLink()) {
        const target = await readlink(full);
        const inside = !relative(from, join(dirname(full), target)).startsWith('..');
        if (!target.startsWith('/') && inside) files.push({ kind: 'link', path: name, target });
      } else if (found.isFile()) {
        const copy = await copyOf(full, name);
        if (copy !== undefined) files.push(copy);
      }
    }
  };
  await walk(from);
  return files;
};

/** The shared libraries that programs of this machine need, at the places they look for them. */
export const librariesOf = async (programs: readonly string[]): Promise<RootFile[]> => {
  const paths = new Set<string>();
  for (const program of programs) {
    const { stdout } = await run('ldd', [program]).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw error;
      // Static programs and scripts make ldd fail; they need nothing.
      return { stdout: '' };
    });
    for (const [, path] of stdout.matchAll(/(?:=>\s*|^\s*)(\/\S+)\s+\(0x/gm)) {
      if (path !== undefined) paths.add(path);
    }
  }
  const libraryDirectory = dirname(
    [...paths].find((path) => /\/libc\.so/.test(path)) ?? '/lib/libc',
  );
  for (const name of ALSO) paths.add(join(libraryDirectory, name));
  return defined(await Promise.all([...paths].sort().map((path) => copyOf(path, path))));
};

/** Loaded at run time only (name resolution), or by compiled modules of apps. */
const ALSO = [
  'librt.so.1',
  'libdl.so.2',
  'libpthread.so.0',
  'libutil.so.1',
  'libresolv.so.2',
  'libanl.so.1',
  'libnss_files.so.2',
  'libnss_dns.so.2',
  'libstdc++.so.6',
  'libgcc_s.so.1',
  'libm.so.6',
  'libatomic.so.1',
];

/** Programs of this machine by name, from the usual places. */
export const findPrograms = async (
  names: readonly string[],
): Promise<readonly { name: string; path: string }[]> => {
  const found = await Promise.all(
    names.map(async (name) => {
      for (const directory of ['/usr/bin', '/bin', '/usr/sbin', '/sbin']) {
        const path = join(directory, name);
        const real = await realpath(path).catch(() => undefined);
        if (real !== undefined) return { name, path: real };
      }
      return undefined;
    }),
  );
  return defined(found);
};

/** npm's own directory, from the link that its installation leaves beside node. */
export const findNpm = async (nodePath: string): Promise<string | undefined> => {
  const prefix = dirname(dirname(nodePath));
  const candidates = [
    join(dirname(nodePath), 'npm'),
    '/usr/local/bin/npm',
    '/usr/bin/npm',
    join(prefix, 'lib/node_modules/npm/bin/npm-cli.js'),
  ];
  for (const candidate of candidates) {
    const real = await realpath(candidate).catch(() => undefined);
    if (real !== undefined && basename(real) === 'npm-cli.js') return dirname(dirname(real));
  }
  return undefined;
};

export const defined = <T>(values: readonly (T | undefined)[]): T[] =>
  values.filter((value) => value !== undefined);
