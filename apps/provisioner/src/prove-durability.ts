import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { OperationalError, pathsOf } from '@shiplog/runtime';
import { inspectServer, type ServerFacts } from './inspect-server.js';
import type { ServerConfig } from './write-nats-config.js';

/** The server would lose acknowledged commits at a power cut: Shiplog does not run on it. */
export class NotDurableError extends OperationalError {
  readonly code = 'log-not-durable';
  readonly retryable = false;
}

/** First version that checks the result of fsync and stops writing when it failed. */
const VERSION_MIN = [2, 14, 0] as const;

export const isDurableVersion = (version: string): boolean => {
  const parts = version.replace(/^v/, '').split(/[.-]/).map(Number);
  for (const [i, least] of VERSION_MIN.entries()) {
    const part = parts[i] ?? 0;
    if (part !== least) return part > least;
  }
  return true;
};

/** Throws unless the facts prove that an acknowledged commit is on disk. */
export const assertDurable = (facts: ServerFacts): void => {
  if (!isDurableVersion(facts.version)) {
    throw new NotDurableError(
      `nats-server ${facts.version} loses acknowledged commits at a power cut: ${VERSION_MIN.join('.')} or newer is needed`,
    );
  }
  if (!facts.isSyncAlways) {
    throw new NotDurableError(
      `nats-server ${facts.name} acknowledges before the disk has it: it needs jetstream { sync_interval: always }, as in the configuration the provisioner writes`,
    );
  }
};

/** Proves durability `disk` and leaves the proof for processes that may not ask the server. */
export const proveDurability = async (
  config: Pick<ServerConfig, 'home' | 'natsUrl'>,
): Promise<'disk'> => {
  await recordDurability(config.home, await inspectServer(config, 30_000));
  return 'disk';
};

/** A server that is not durable takes the proof of an earlier one away: nothing shows more than holds. */
export const recordDurability = async (home: string, facts: ServerFacts): Promise<void> => {
  const file = pathsOf(home).natsProof;
  try {
    assertDurable(facts);
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  }
  const proof = {
    durability: 'disk',
    serverName: facts.name,
    serverVersion: facts.version,
    provedAt: new Date().toISOString(),
  };
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(`${file}.new`, `${JSON.stringify(proof)}\n`, { mode: 0o644 });
  await rename(`${file}.new`, file);
};
