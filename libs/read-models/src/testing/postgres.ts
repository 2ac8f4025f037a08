import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';

const run = promisify(execFile);
const PACKAGES = '/usr/lib/postgresql';

export interface PostgresServer {
  /** URL of a new, empty database. */
  createDatabase(name: string): Promise<string>;
  stop(): Promise<void>;
}

/**
 * A PostgreSQL server of its own in a temporary directory, sorting text as German does: our order must
 * not depend on that. Needs the Debian package `postgresql`, whose own server need not run.
 */
export const startPostgres = async (): Promise<PostgresServer> => {
  const bin = await findBinaries();
  const directory = await mkdtemp(join(tmpdir(), 'shiplog-pg-'));
  const owner = await postgresOwner();
  if (owner !== undefined) await chown(directory, owner.uid, owner.gid);
  const data = join(directory, 'data');
  const locale = ['--locale=C', '--locale-provider=icu', '--icu-locale=de-DE'];
  const options = ['-A', 'trust', '-U', 'postgres', '-E', 'UTF8', '--no-sync', ...locale];
  await run(join(bin, 'initdb'), ['-D', data, ...options], { cwd: directory, ...owner });

  const port = await freePort();
  const settings = ['-c', 'listen_addresses=127.0.0.1', '-c', 'fsync=off'];
  const server = spawn(
    join(bin, 'postgres'),
    ['-D', data, '-p', String(port), '-k', directory, ...settings],
    { cwd: directory, stdio: 'ignore', ...owner },
  );
  const url = (database: string): string => `postgres://postgres@127.0.0.1:${port}/${database}`;
  await untilReady(url('postgres'));
  return {
    createDatabase: async (name) => {
      await query(url('postgres'), `CREATE DATABASE ${pg.escapeIdentifier(name)}`);
      return url(name);
    },
    stop: async () => {
      const ended = once(server, 'exit');
      server.kill('SIGINT');
      await ended;
      await rm(directory, { recursive: true, force: true });
    },
  };
};

const findBinaries = async (): Promise<string> => {
  const versions = await readdir(PACKAGES).catch(() => []);
  const newest = versions.toSorted((a, b) => Number(a) - Number(b)).at(-1);
  if (newest === undefined) {
    throw new Error(
      'these tests need a real PostgreSQL: apt-get install --no-install-recommends postgresql',
    );
  }
  return join(PACKAGES, newest, 'bin');
};

/** PostgreSQL refuses to run as root: its package's own user does. */
const postgresOwner = async (): Promise<{ uid: number; gid: number } | undefined> => {
  if (process.getuid?.() !== 0) return undefined;
  const id = async (flag: '-u' | '-g'): Promise<number> =>
    Number((await run('id', [flag, 'postgres'])).stdout);
  return { uid: await id('-u'), gid: await id('-g') };
};

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
};

const query = async (url: string, sql: string): Promise<void> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
};

const untilReady = async (url: string): Promise<void> => {
  const deadlineMs = Date.now() + 20_000;
  for (;;) {
    try {
      return await query(url, 'SELECT 1');
    } catch (error) {
      if (Date.now() > deadlineMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
};
