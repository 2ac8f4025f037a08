import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

/** A process that outlives the control plane on purpose: the proxy, and the log's server. */
export interface Companion {
  readonly pid: number;
  readonly program: 'haproxy' | 'nginx' | 'nats-server';
}

/** How the companions of one platform are told from those of another: by the file they were started with. */
const CONFIG_FILES: Readonly<Record<Companion['program'], string>> = {
  haproxy: 'router/haproxy.cfg',
  nginx: 'router/nginx.conf',
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
  // A master of nginx writes what it is before its arguments, and all of it as one.
  const title = /^nginx: master process (.*?)\0*$/s.exec(commandLine)?.[1];
  if (title !== undefined) {
    return title.includes(` -c ${join(home, CONFIG_FILES.nginx)} `)
      ? { pid: Number(pid), program: 'nginx' }
      : undefined;
  }
  const [program = '', ...args] = commandLine.split('\0');
  const name = basename(program);
  if (name !== 'haproxy' && name !== 'nats-server') return undefined;
  return args.includes(join(home, CONFIG_FILES[name]))
    ? { pid: Number(pid), program: name }
    : undefined;
};
