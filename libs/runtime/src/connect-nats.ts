import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ProcessName } from '@shiplog/events';
import { nkeyAuthenticator, type NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { pathsOf, type PlatformConfig } from './config.js';
import { OperationalError } from './errors.js';

/** nats-server cannot be reached, or does not know this process. */
export class NatsUnreachableError extends OperationalError {
  readonly code = 'nats-unreachable';
  readonly retryable = true;
}

/** Name of a NATS user: every process, and `system` for questions about the server itself. */
export type NatsUser = ProcessName | 'system';

/** Only this process can subscribe below its prefix: nobody reads the answers of another. */
export const inboxPrefixOf = (user: NatsUser): string => `_INBOX_${user}`;

export interface ConnectOptions {
  /** How long to wait for a server that is not there yet. Default 30 s. */
  readonly timeoutMs?: number;
  /** Default: `config.natsUrl`. */
  readonly url?: string;
}

const ATTEMPT_TIMEOUT_MS = 5_000;

/** Connects under the process's own NATS user. Once connected it reconnects for ever. */
export const connectNats = async (
  config: Pick<PlatformConfig, 'home' | 'natsUrl'>,
  user: NatsUser,
  options: ConnectOptions = {},
): Promise<NatsConnection> => {
  const url = options.url ?? config.natsUrl;
  const seed = await readSeed(config.home, user);
  const deadline = Date.now() + (options.timeoutMs ?? 30_000);
  for (;;) {
    try {
      return await connect({
        servers: url,
        name: user,
        authenticator: nkeyAuthenticator(seed),
        inboxPrefix: inboxPrefixOf(user),
        timeout: ATTEMPT_TIMEOUT_MS,
        maxReconnectAttempts: -1,
        reconnectTimeWait: 100,
        reconnectJitter: 100,
        // A stack trace for each request, made whether or not it fails, is a sixth of what a request costs.
        noAsyncTraces: true,
        // A dead link is found within ten seconds instead of four minutes.
        pingInterval: 5_000,
        maxPingOut: 2,
        // A changed user table is no reason to give up: the next attempt may be let in again.
        ignoreAuthErrorAbort: true,
      });
    } catch (cause) {
      if (Date.now() >= deadline) {
        throw new NatsUnreachableError(`connecting to ${url} as ${user}`, { cause });
      }
      await delay(100);
    }
  }
};

const readSeed = async (home: string, user: NatsUser): Promise<Uint8Array> => {
  const file = join(pathsOf(home).natsCredentials, `${user}.nk`);
  try {
    return new TextEncoder().encode((await readFile(file, 'utf8')).trim());
  } catch (cause) {
    throw new NatsUnreachableError(
      `reading ${file} (made by the provisioner; is SHIPLOG_HOME right?)`,
      { cause },
    );
  }
};
