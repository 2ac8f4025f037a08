import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createUser, fromSeed } from '@nats-io/nkeys';
import { pathsOf, type NatsUser } from '@shiplog/runtime';
import { NATS_USERS } from './permissions.js';

/**
 * Makes the missing seeds, each readable by its owner only, and returns the public keys. Seeds that
 * exist are kept: processes that run go on running.
 */
export const ensureCredentials = async (home: string): Promise<ReadonlyMap<NatsUser, string>> => {
  const directory = pathsOf(home).natsCredentials;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
  const keys = new Map<NatsUser, string>();
  for (const user of NATS_USERS) keys.set(user, await publicKeyOf(join(directory, `${user}.nk`)));
  return keys;
};

const publicKeyOf = async (file: string): Promise<string> => {
  try {
    const seed = (await readFile(file, 'utf8')).trim();
    return fromSeed(new TextEncoder().encode(seed)).getPublicKey();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const pair = createUser();
  // Whole or not at all: a seed cut short by a crash would lock its process out.
  await writeFile(`${file}.new`, `${new TextDecoder().decode(pair.getSeed())}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
  return pair.getPublicKey();
};
