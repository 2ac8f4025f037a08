import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Io } from '../io.js';

/** `ready.json`: what a platform on this machine wrote when it was ready. */
export interface Ready {
  readonly api: string;
  readonly router: string | undefined;
  readonly pid: number;
  readonly version: string | undefined;
}

export interface LocalPlatform {
  readonly home: string;
  /** Undefined when nothing is ready there. */
  readonly ready: Ready | undefined;
  /** The pid of `ready` is that of a living process. */
  readonly isAlive: boolean;
  /** The first administrator's token; undefined when this user may not read it. */
  readonly token: string | undefined;
}

/** The data directory: SHIPLOG_HOME, else the default of the server. */
const platformHome = ({ env, homeDirectory, isRoot }: Io): string =>
  env['SHIPLOG_HOME'] ||
  (isRoot ? '/var/lib/shiplog' : join(homeDirectory, '.local/share/shiplog'));

export const readLocalPlatform = async (io: Io): Promise<LocalPlatform> => {
  const home = platformHome(io);
  const [ready, credentials] = await Promise.all([
    readJson(join(home, 'ready.json')),
    readJson(join(home, 'credentials.json')),
  ]);
  const parsed = parseReady(ready);
  const token = credentials?.['token'];
  return {
    home,
    ready: parsed,
    isAlive: parsed !== undefined && (await isShiplogAlive(parsed.pid)),
    token: typeof token === 'string' ? token : undefined,
  };
};

const parseReady = (value: Record<string, unknown> | undefined): Ready | undefined => {
  if (value === undefined) return undefined;
  const { api, router, pid, version } = value;
  if (typeof api !== 'string' || typeof pid !== 'number' || !Number.isInteger(pid) || pid < 2) {
    return undefined;
  }
  return {
    api,
    pid,
    router: typeof router === 'string' ? router : undefined,
    version: typeof version === 'string' ? version : undefined,
  };
};

/** Absent, not ours to read, and half written are all the same here: it cannot be used. */
const readJson = async (path: string): Promise<Record<string, unknown> | undefined> => {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'));
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || (error instanceof Error && 'code' in error))
      return undefined;
    throw error;
  }
};

/** Alive, and a Node.js process: after a reboot the number may belong to somebody else. */
export const isShiplogAlive = async (pid: number): Promise<boolean> => {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it lives and belongs to another user.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => 'node');
  return /node|npm/.test(commandLine);
};
