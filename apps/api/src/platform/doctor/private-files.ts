import { readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathsOf, type PlatformConfig } from '@shiplog/runtime';
import { bad, ok, type Verdict } from './verdict.js';

export interface FileFacts {
  readonly path: string;
  readonly isFolder: boolean;
  /** Permission bits. */
  readonly mode: number;
}

const OTHERS = 0o007;
const GROUP = 0o070;
/** Who may write into a folder may put another key into it. */
const WRITE = 0o022;
const SHOWN_MAX = 3;

/** Keys and credentials are for the user alone who runs the platform. */
export const privateFilesVerdict = (files: readonly FileFacts[]): Verdict => {
  const open = files.filter(({ isFolder, mode }) => mode & (isFolder ? WRITE : OTHERS | GROUP));
  if (open.length === 0) {
    return ok(`${files.length} key and credential files and folders are for their owner alone`);
  }
  const shown = open.slice(0, SHOWN_MAX).map(({ path, mode }) => `${path} (${octal(mode)})`);
  const more = open.length > SHOWN_MAX ? ` and ${open.length - SHOWN_MAX} more` : '';
  const isForAll = open.some(({ mode }) => mode & OTHERS);
  return bad(
    isForAll ? 'failed' : 'warning',
    `${isForAll ? 'everybody' : 'its group'} on the machine gets at ${shown.join(', ')}${more}`,
    `${chmodOf(open)}; who could read them may have: \`shiplog keys rotate\`, new tokens`,
  );
};

const chmodOf = (open: readonly FileFacts[]): string => {
  const first = (isFolder: boolean): string =>
    open
      .filter((one) => one.isFolder === isFolder)
      .slice(0, SHOWN_MAX)
      .map(({ path }) => ` ${path}`)
      .join('');
  const [folders, files] = [first(true), first(false)];
  return [files && `chmod 600${files}`, folders && `chmod 700${folders}`]
    .filter(Boolean)
    .join('; ');
};

const octal = (mode: number): string => (mode & 0o777).toString(8).padStart(4, '0');

/** Those that this process can see. */
export const lookAtPrivateFiles = async (
  config: Pick<PlatformConfig, 'home' | 'masterKeyFile'>,
): Promise<readonly FileFacts[]> => {
  const paths = pathsOf(config.home);
  const { natsCredentials, keys, personKeys, platformKeys, certificates } = paths;
  const ofKeys = [natsCredentials, keys, personKeys, platformKeys, certificates];
  const folders = [...ofKeys, dirname(config.masterKeyFile)];
  const inside = await Promise.all(
    ofKeys.map(async (folder) =>
      (await readdir(folder).catch(() => [])).map((name) => join(folder, name)),
    ),
  );
  const files = [paths.credentials, config.masterKeyFile, ...inside.flat(), ...folders];
  const facts = await Promise.all(files.map(factsOf));
  return facts.filter((one) => one !== undefined);
};

const factsOf = async (path: string): Promise<FileFacts | undefined> => {
  const found = await stat(path).catch(() => undefined);
  return found && { path, isFolder: found.isDirectory(), mode: found.mode & 0o777 };
};
