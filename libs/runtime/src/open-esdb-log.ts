import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProcessName } from '@shiplog/events';
import type { Credentials, EsdbEventLog } from '@shiplog/events/esdb';
import { ConfigError, type EventLogPlace } from './config.js';
import { describeError } from './errors.js';

type EsdbPlace = Extract<EventLogPlace, { kind: 'esdb' }>;

/** The log of a platform in EventStoreDB, under the user of one process. Its client is loaded for whom it is. */
export const openEsdbLog = async (
  place: EsdbPlace,
  platform: string,
  process: ProcessName,
): Promise<EsdbEventLog> => {
  const { EsdbEventLog } = await import('@shiplog/events/esdb');
  const credentials = await readEsdbUser(place, process);
  const connectionString = place.address;
  try {
    return new EsdbEventLog({ connectionString, name: platform, credentials, process });
  } catch (cause) {
    throw new ConfigError(`SHIPLOG_EVENT_LOG=${connectionString}: ${describeError(cause)}`, {
      cause,
    });
  }
};

/** Undefined: the server asks for no user. */
export const readEsdbUser = async (
  { users }: EsdbPlace,
  process: ProcessName,
): Promise<Credentials | undefined> => {
  if (users === undefined) return undefined;
  const file = join(users, process);
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new ConfigError(`SHIPLOG_EVENT_LOG_USERS: ${file} cannot be read`, { cause });
  });
  const { mode } = await stat(file);
  if ((mode & 0o077) !== 0) {
    throw new ConfigError(`SHIPLOG_EVENT_LOG_USERS: others may read ${file}; chmod 600 it`);
  }
  const [, username, password] = /^([^:\s]+):([^\n]+)\n?$/.exec(text) ?? [];
  if (username === undefined || password === undefined) {
    throw new ConfigError(`SHIPLOG_EVENT_LOG_USERS: ${file} must hold one line, user:password`);
  }
  return { username, password };
};
