import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Less than this free, and nothing is appended: the server would meet the end of the disk in a commit. */
export const ROOM_BYTES_MIN = 16 * 1024 * 1024;
const ASK_EVERY_MS = 500;

/**
 * Looks at the disk of a folder, at most twice a second. The answer is the reason why nothing can be
 * written, or undefined. Where there is no such folder, its nearest parent counts.
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
  } catch (error) {
    // In a container the folder of the log is another one's; what it would lie in is on the same disk as a rule.
    const isAbsent = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return isAbsent && dirname(folder) !== folder ? look(dirname(folder), bytesMin) : undefined;
  }
};

const megabytes = (bytes: number): string => (bytes / 1024 / 1024).toFixed(0);
