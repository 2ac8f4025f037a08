import { rename, stat } from 'node:fs/promises';

const LOG_BYTES_MAX = 20 * 1024 * 1024;

/** At a start, a log that has grown large becomes `<file>.1`; the one before it goes. */
export const rotate = async (file: string): Promise<void> => {
  const size = await stat(file).then(
    (found) => found.size,
    () => 0,
  );
  if (size > LOG_BYTES_MAX) await rename(file, `${file}.1`);
};
