import { spawn, execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { interruptionOf } from '../engine/json-stream.js';
import { readTar, type TarEntry, type TarWriter } from '../sources/tar.js';
import { mergedPath } from './root-files.js';

const run = promisify(execFile);

/** Why compilers cannot be had on this machine: for who pushed an app that needs them. */
export class ToolchainUnavailableError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ToolchainUnavailableError';
  }
}

const PACKAGES = ['g++', 'make', 'python3', 'libc6-dev', 'pkg-config', 'patch', 'ca-certificates'];
const DOCUMENTATION = /^usr\/share\/(doc|man|locale|info|lintian|bug|zoneinfo)\//;

/**
 * Unpacks compilers into the image straight from packages of this machine's own mirror: apt works on
 * directories of ours, so that it needs no root and changes nothing on the machine.
 */
export const writeCompilers = async (
  out: TarWriter,
  scratch: string,
  signal: AbortSignal,
): Promise<void> => {
  await mkdir(scratch, { recursive: true, mode: 0o700 });
  const directory = await mkdtemp(join(scratch, '.toolchain-'));
  try {
    const archives = await download(directory, signal);
    for (const archive of archives) await unpack(out, archive, signal);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
};

const download = async (directory: string, signal: AbortSignal): Promise<readonly string[]> => {
  await mkdir(join(directory, 'lists/partial'), { recursive: true });
  await mkdir(join(directory, 'cache/archives/partial'), { recursive: true });
  await writeFile(join(directory, 'status'), '');
  const options = [
    `Dir::State::lists=${join(directory, 'lists')}`,
    `Dir::State::status=${join(directory, 'status')}`,
    `Dir::Cache=${join(directory, 'cache')}`,
    `APT::Sandbox::User=${process.getuid?.() === 0 ? 'root' : ''}`,
    'APT::Install-Recommends=0',
    'Debug::NoLocking=1',
  ].flatMap((option) => ['-o', option]);
  const apt = (...words: readonly string[]) =>
    run('apt-get', [...options, '-q', '-y', ...words], {
      signal,
      maxBuffer: 64 * 1024 ** 2,
      env: { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' },
    });
  try {
    await apt('update');
    await apt('install', '--download-only', ...PACKAGES);
  } catch (error) {
    if (signal.aborted) throw interruptionOf(signal);
    throw new ToolchainUnavailableError(whyNot(error), { cause: error });
  }
  const archives = join(directory, 'cache/archives');
  const names = (await readdir(archives)).filter((name) => name.endsWith('.deb'));
  return names.toSorted().map((name) => join(archives, name));
};

const whyNot = (error: unknown): string => {
  const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
  return isMissing
    ? 'this machine has no apt-get to get them from, and no registry answers'
    : "this machine's package mirror does not give them (python3, make, g++), and no registry answers";
};

const unpack = async (out: TarWriter, archive: string, signal: AbortSignal): Promise<void> => {
  const child = spawn('dpkg-deb', ['--fsys-tarfile', archive], {
    signal,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const failed = new Promise<never>((_, reject) => child.once('error', reject));
  const { sink, entries } = readTar();
  const feeding = pipeline(child.stdout, sink);
  feeding.catch(() => undefined);
  const copying = (async () => {
    for await (const entry of entries) await copyEntry(out, entry);
    await feeding;
  })();
  await Promise.race([copying, failed]);
};

const copyEntry = async (out: TarWriter, { header, content }: TarEntry): Promise<void> => {
  const name = mergedPath(header.name).replace(/\/$/, '');
  const isRoot = name === '' || name === '.' || /^(bin|sbin|lib|lib32|lib64|libx32)$/.test(name);
  if (isRoot || DOCUMENTATION.test(`${name}/`)) return;
  const target = header.type === 'link' ? mergedPath(header.linkname ?? '') : header.linkname;
  const { type, size, mtime } = header;
  const mode = header.mode & 0o755;
  const copied = {
    name,
    type,
    size,
    mtime,
    mode,
    ...(target === null ? {} : { linkname: target }),
  };
  if (type === 'file') await pipeline(content, out.file(copied));
  else await out.put(copied);
};
