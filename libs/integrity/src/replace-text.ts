import { rename, writeFile } from 'node:fs/promises';

/** The old text or the new one, whatever happens in between. */
export const replaceText = async (file: string, text: string): Promise<void> => {
  await writeFile(`${file}.new`, text, { mode: 0o600, flush: true });
  await rename(`${file}.new`, file);
};
