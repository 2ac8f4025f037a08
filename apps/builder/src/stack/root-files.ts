import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { TarWriter } from '../sources/tar.js';

/** One entry of a root file system that is put together from this machine's files. */
export type RootFile =
  | {
      readonly kind: 'directory';
      readonly path: string;
      readonly mode: number;
      readonly uid?: number;
    }
  | { readonly kind: 'link'; readonly path: string; readonly target: string }
  | { readonly kind: 'text'; readonly path: string; readonly text: string }
  | {
      readonly kind: 'copy';
      readonly path: string;
      /** Where it lies on this machine. */
      readonly from: string;
      readonly mode: number;
      readonly bytes: number;
      readonly modifiedMs: number;
    };

const MERGED = /^\/?(bin|sbin|lib|lib32|lib64|libx32)\//;

/** `/bin/sh` → `usr/bin/sh`: our images have one tree of programs, whatever the machine has. */
export const mergedPath = (path: string): string =>
  path.replace(/^\.?\/+/, '').replace(MERGED, 'usr/$1/');

/** The links that make both spellings work. */
export const mergedLinks: readonly RootFile[] = ['bin', 'sbin', 'lib', 'lib64'].map((path) => ({
  kind: 'link',
  path,
  target: `usr/${path}`,
}));

/** Changes whenever a file of the machine does, without reading them all. */
export const hashOf = (files: readonly RootFile[], ...more: readonly string[]): string =>
  createHash('sha256')
    .update(JSON.stringify([files, more]))
    .digest('hex')
    .slice(0, 24);

export const writeRootFiles = async (out: TarWriter, files: readonly RootFile[]): Promise<void> => {
  for (const file of files) await writeRootFile(out, file);
};

const writeRootFile = async (out: TarWriter, file: RootFile): Promise<void> => {
  switch (file.kind) {
    case 'directory': {
      const uid = file.uid ?? 0;
      return out.put({ name: file.path, type: 'directory', mode: file.mode, uid, gid: uid });
    }
    case 'link':
      return out.put({ name: file.path, type: 'symlink', mode: 0o777, linkname: file.target });
    case 'text':
      return out.put({ name: file.path, mode: 0o644 }, file.text);
    case 'copy':
      await pipeline(
        createReadStream(file.from),
        out.file({ name: file.path, mode: file.mode, size: file.bytes }),
      );
  }
};
