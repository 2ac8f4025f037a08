import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CliError, EXIT } from '../exit-code.js';
import type { Io } from '../io.js';

/** One place somebody is logged in to. */
export interface Context {
  readonly url: string;
  readonly token: string;
}
export interface ContextFile {
  /** Name of the context in use. */
  readonly current: string | null;
  readonly contexts: Readonly<Record<string, Context>>;
}

const EMPTY: ContextFile = { current: null, contexts: {} };

const contextFilePath = ({ env, homeDirectory }: Io): string =>
  join(env['XDG_CONFIG_HOME'] || join(homeDirectory, '.config'), 'shiplog', 'config.json');

export const readContextFile = async (io: Io): Promise<ContextFile> => {
  const path = contextFilePath(io);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw unreadable(path, error);
  });
  if (text === undefined) return EMPTY;
  try {
    return parseContextFile(JSON.parse(text));
  } catch (cause) {
    throw unreadable(path, cause);
  }
};

const unreadable = (path: string, cause: unknown): CliError =>
  new CliError(EXIT.failed, 'context-file-unreadable', `cannot read ${path}`, {
    remedy: 'Repair or remove the file and log in again: shiplog login',
    cause,
  });

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const parseContextFile = (value: unknown): ContextFile => {
  if (!isRecord(value) || !isRecord(value['contexts'])) throw new Error('not a context file');
  const contexts: Record<string, Context> = {};
  for (const [name, context] of Object.entries(value['contexts'])) {
    if (!isRecord(context)) continue;
    const { url, token } = context;
    if (typeof url === 'string' && typeof token === 'string') contexts[name] = { url, token };
  }
  const { current } = value;
  return { current: typeof current === 'string' ? current : null, contexts };
};

/** Writes the whole file or nothing, readable by its owner only: it holds tokens. */
export const writeContextFile = async (io: Io, file: ContextFile): Promise<string> => {
  const path = contextFilePath(io);
  const temporary = `${path}.${process.pid}`;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFile(temporary, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600 });
  await chmod(temporary, 0o600);
  await rename(temporary, path);
  return path;
};
