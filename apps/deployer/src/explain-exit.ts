const MEGABYTE = 1024 * 1024;

interface Ended {
  readonly memoryBytes: number;
  readonly logLines: readonly string[];
}

/** How it gets more than its limit. */
export const moreMemory = ({ memoryBytes }: Pick<Ended, 'memoryBytes'>): string =>
  `raise the limit, as in shiplog settings set memory=${Math.round((memoryBytes * 2) / MEGABYTE)}M, or let it use less`;

/** What an exit code stands for; empty where it stands for nothing that everybody agrees on. */
export const meaning = (exitCode: number | null): string => {
  switch (exitCode) {
    case 0:
      return ' (it ended by itself; a process has to keep running)';
    case 126:
      return ' (the command could not be executed)';
    case 127:
      return ' (the command was not found)';
    case 137:
      return ' (killed)';
    case 139:
      return ' (segmentation fault)';
    default:
      return '';
  }
};

/** What somebody can do about a program that ended. */
export const remedyForExit = (ended: Ended, exitCode: number | null): string => {
  const text = ended.logLines.join('\n');
  if (/EROFS|read-only file system/i.test(text)) {
    return 'it wrote to a place that is read-only: give it one in memory, such as shiplog settings set tmpfs=/tmp:64M';
  }
  if (/EACCES|EPERM|permission denied|operation not permitted/i.test(text)) {
    return 'it was denied a permission: check file owners in the image and the user it runs as';
  }
  if (/EADDRINUSE|address already in use/i.test(text)) {
    return 'two programs in the instance want the same port: let only one listen on $PORT';
  }
  // The engine begins to listen for that when the program runs already.
  if (exitCode === 137) {
    return `where nobody killed it, it took more memory than it may, faster than the engine could see: ${moreMemory(ended)}`;
  }
  if (exitCode === 127) return 'check the command in the Procfile or the Dockerfile';
  if (exitCode === 0)
    return 'let the command stay in the foreground instead of a background daemon';
  return 'see the last log lines; set what is missing with shiplog config set, or fix the start command';
};
