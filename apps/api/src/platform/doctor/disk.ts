import { ROOM_BYTES_MIN } from '@shiplog/runtime';
import { bad, ok, type Verdict } from './verdict.js';

export interface DiskRoom {
  readonly path: string;
  readonly freeBytes: number;
  readonly totalBytes: number;
}

const LITTLE_BYTES = 2 * 1024 ** 3;
const LITTLE_SHARE = 0.05;

/** `toFree`: what to do about little room there. Undefined where the disk cannot be seen from here. */
export const diskVerdict = (
  room: DiskRoom | undefined,
  unseen: string,
  toFree: string,
): Verdict => {
  if (room === undefined) return ok(unseen);
  const { path, freeBytes, totalBytes } = room;
  const share = totalBytes === 0 ? 0 : freeBytes / totalBytes;
  const summary = `${sizeOf(freeBytes)} of ${sizeOf(totalBytes)} free (${Math.floor(share * 100)} %) in ${path}`;
  if (freeBytes < ROOM_BYTES_MIN) {
    return bad('failed', `${summary}: nothing can be changed until there is room`, toFree);
  }
  return freeBytes < LITTLE_BYTES || share < LITTLE_SHARE
    ? bad('warning', summary, toFree)
    : ok(summary);
};

const sizeOf = (bytes: number): string =>
  bytes < 1024 ** 3
    ? `${Math.floor(bytes / 1024 ** 2)} MB`
    : `${(bytes / 1024 ** 3).toFixed(1)} GB`;
