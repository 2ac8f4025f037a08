import { statfs } from 'node:fs/promises';

/** Less than this free, and nothing is appended: the server would meet the end of the disk in a commit. */
export const ROOM_BYTES_MIN = 16 * 1024 * 1024;
const ASK_EVERY_MS = 500;

/**
 * Looks at the disk of a folder, at most twice a second. The answer is the reason why nothing can be
 * written, or undefined; also where the folder is not on this machine.
 */
export const diskObstacle = (
  folder: string,
  bytesMin = ROOM_BYTES_MIN,
): (() => Promise<string | undefined>) => {
  let askedAt = -Infinity;
  let answer: Promise<string | undefined> = Promise.resolve(undefined);
  return () => {
    if (performance.now() - askedAt >= ASK_EVERY_MS) {
      askedAt = performance.now();
      answer = look(folder, bytesMin);
    }
    return answer;
  };
};

const look = async (folder: string, bytesMin: number): Promise<string | undefined> => {
  try {
    const { bavail, bsize } = await statfs(folder);
    const freeBytes = bavail * bsize;
    if (freeBytes >= bytesMin) return undefined;
    return `the log's disk is full (${megabytes(freeBytes)} MB free in ${folder}, ${megabytes(bytesMin)} MB are needed); free space there`;
  } catch {
    return undefined;
  }
};

const megabytes = (bytes: number): string => (bytes / 1024 / 1024).toFixed(0);
