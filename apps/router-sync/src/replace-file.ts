import { rename, writeFile } from 'node:fs/promises';

/** Whoever reads it meanwhile finds the old one or the new one. */
export const replaceFile = async (path: string, text: string): Promise<void> => {
  const temporary = `${path}.new`;
  await writeFile(temporary, text, { mode: 0o600 });
  await rename(temporary, path);
};
