import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createUser, fromSeed } from '@nats-io/nkeys';
import { pathsOf, type NatsUser } from '@shiplog/runtime';
import { NATS_USERS } from './permissions.js';

/** Where the seed of a user lies; each process may have a folder that no other sees. */
export type SeedFile = (user: NatsUser) => string;

/** One folder for all: processes of one machine under one account. */
export const sharedSeeds =
  (home: string): SeedFile =>
  (user) =>
    join(pathsOf(home).natsCredentials, `${user}.nk`);

/** A folder per process below `root`; the questions to the server are the provisioner's. */
export const separateSeeds =
  (root: string): SeedFile =>
  (user) =>
    join(root, user === 'system' ? 'provisioner' : user, `${user}.nk`);

/**
 * Makes the missing seeds, each readable by its owner only, and returns the public keys. Seeds that
 * exist are kept: processes that run go on running.
 */
export const ensureCredentials = async (
  seedFile: SeedFile,
): Promise<ReadonlyMap<NatsUser, string>> => {
  const keys = new Map<NatsUser, string>();
  for (const user of NATS_USERS) {
    const file = seedFile(user);
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await chmod(dirname(file), 0o700);
    keys.set(user, await publicKeyOf(file));
  }
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
