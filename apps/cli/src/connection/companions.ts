import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

/** A process that outlives the control plane on purpose: the proxy, and the log's server. */
export interface Companion {
  readonly pid: number;
  readonly program: 'haproxy' | 'nats-server';
}

/** How the companions of one platform are told from those of another: by the file they were started with. */
const CONFIG_FILES: Readonly<Record<Companion['program'], string>> = {
  haproxy: 'router/haproxy.cfg',
  'nats-server': 'nats/nats-server.conf',
};

/** Companions of the platform in this home. None where there is no /proc: there they run in containers. */
export const findCompanions = async (home: string, proc = '/proc'): Promise<Companion[]> => {
  const names = await readdir(proc).catch(() => []);
  const found = await Promise.all(
    names.filter((name) => /^\d+$/.test(name)).map((name) => companionOf(home, proc, name)),
  );
  return found.flatMap((companion) => companion ?? []);
};

const companionOf = async (
  home: string,
  proc: string,
  pid: string,
): Promise<Companion | undefined> => {
  // It may have ended since it was listed.
  const commandLine = await readFile(join(proc, pid, 'cmdline'), 'utf8').catch(() => '');
  const [program = '', ...args] = commandLine.split('\0');
  const name = basename(program);
  if (name !== 'haproxy' && name !== 'nats-server') return undefined;
  return args.includes(join(home, CONFIG_FILES[name]))
    ? { pid: Number(pid), program: name }
    : undefined;
};
