import { readlink, stat } from 'node:fs/promises';
import { basename } from 'node:path';

/**
 * The disk under a directory, as `/dev/vda`: a partition has no limits of its own. Throws where the
 * directory is not here (the engine runs elsewhere) or not on a disk (overlay, tmpfs, network).
 */
export const diskUnder = async (directory: string): Promise<string> => {
  const { dev } = await stat(directory);
  const [major, minor] = [majorOf(dev), minorOf(dev)];
  if (major === 0) throw new Error(`${directory} is not on a disk of its own`);
  const link = await readlink(`/sys/dev/block/${major}:${minor}`);
  return `/dev/${wholeDisk(link)}`;
};

/** `…/block/vda/vda1` is a part of `vda`; `…/block/vda` is whole, as is `…/block/dm-0`. */
export const wholeDisk = (link: string): string => {
  const [, disk] = /\/block\/([^/]+)(?:\/[^/]+)?$/.exec(link) ?? [];
  return disk ?? basename(link);
};

// As glibc packs them: 12 bits of the minor number stand above the major one.
const majorOf = (dev: number): number =>
  Number(((BigInt(dev) >> 8n) & 0xfffn) | ((BigInt(dev) >> 32n) & ~0xfffn));
const minorOf = (dev: number): number =>
  Number((BigInt(dev) & 0xffn) | ((BigInt(dev) >> 12n) & ~0xffn & 0xffffffn));
