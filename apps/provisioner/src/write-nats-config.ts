import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sha256 } from '@shiplog/events/log';
import { pathsOf, type PlatformConfig } from '@shiplog/runtime';
import { ensureCredentials, sharedSeeds, type SeedFile } from './credentials.js';
import { renderNatsConfig } from './render-nats-config.js';

export type ServerConfig = Pick<
  PlatformConfig,
  'home' | 'platform' | 'natsPort' | 'natsUrl' | 'bind'
>;

export interface ListenOptions {
  /** Address to listen on. Default: `config.bind`. */
  readonly host?: string;
  /** Default: the server writes to its standard error, as a container should. */
  readonly logFile?: string;
  /** Default: none, as in a container whose configuration is read-only. */
  readonly pidFile?: string;
  /** Default: all seeds in the data directory. */
  readonly seedFile?: SeedFile;
  /** Public key of the importer, while one is at work. */
  readonly importerKey?: string | undefined;
}

export interface WrittenConfig {
  readonly file: string;
  /** SHA-256 of the file: tells whether a running server has it. */
  readonly digest: string;
}

export const serverNameOf = (config: ServerConfig): string => `shiplog-${config.platform}`;

export const pidFileOf = (home: string): string =>
  join(dirname(pathsOf(home).natsConfig), 'nats-server.pid');

/** Renders the configuration of nats-server, with credentials made once and kept. */
export const writeNatsConfig = async (
  config: ServerConfig,
  options: ListenOptions = {},
): Promise<WrittenConfig> => {
  const { natsConfig: file, natsStore } = pathsOf(config.home);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const text = renderNatsConfig({
    serverName: serverNameOf(config),
    host: options.host ?? config.bind,
    port: config.natsPort,
    storeDirectory: natsStore,
    pidFile: options.pidFile,
    logFile: options.logFile,
    importerKey: options.importerKey,
    publicKeys: await ensureCredentials(options.seedFile ?? sharedSeeds(config.home)),
  });
  await writeFile(`${file}.new`, text, { mode: 0o600 });
  await rename(`${file}.new`, file);
  return { file, digest: sha256(text) };
};
