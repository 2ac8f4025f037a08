import { readFile, rename, rm, writeFile } from 'node:fs/promises';

/** What scripts and people wait for: where the running platform is. Readers check that `pid` lives. */
export interface Ready {
  readonly api: string;
  readonly console: string;
  readonly router: string;
  readonly git: string;
  readonly pid: number;
  readonly version: string;
}

export const writeReady = async (file: string, ready: Ready): Promise<void> => {
  await writeFile(`${file}.new`, `${JSON.stringify(ready)}\n`, { mode: 0o644 });
  await rename(`${file}.new`, file);
};

/** What an earlier process wrote, whether it lives or not. */
export const readReady = async (file: string): Promise<Ready | undefined> => {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Ready;
  } catch {
    return undefined;
  }
};

export const removeReady = (file: string): Promise<void> => rm(file, { force: true });
