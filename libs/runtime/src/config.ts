import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { portRange } from './port-range.js';
import {
  port,
  publicConfigOf,
  publicEnvironment,
  publicFaults,
  type PublicConfig,
} from './public-config.js';
import { domainChecksOf, domainEnvironment, type DomainPlace } from './domain-environment.js';
import { rangeOf, routerEnvironment } from './router-environment.js';

/** The environment of every process. The schema is the manual: `docs/configuration.md` is made from it. */
export const environment = z.object({
  SHIPLOG_HOME: z
    .string()
    .optional()
    .describe('Data directory. Default: /var/lib/shiplog as root, else ~/.local/share/shiplog.'),
  SHIPLOG_PLATFORM: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,30}$/, 'lower-case letters, digits and "-", at most 31')
    .default('shiplog')
    .describe(
      'Name of this platform; platforms of different names live side by side on one engine.',
    ),
  SHIPLOG_DOMAIN: z
    .string()
    .regex(
      /^[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?$/,
      'expected a host name such as paas.example.com: lower-case letters, digits, "-" and dots',
    )
    .default('localhost')
    .describe('Apps answer at <app>.<domain>.'),
  SHIPLOG_API_PORT: port.default(4600).describe('Port of API, git and console.'),
  SHIPLOG_PUBLIC_API_PORT: port
    .optional()
    .describe('Port at which people reach the API, where it is mapped. Default: SHIPLOG_API_PORT.'),
  SHIPLOG_NATS_PORT: port.default(4610).describe('Port of nats-server.'),
  SHIPLOG_BIND: z
    .string()
    .default('127.0.0.1')
    .describe('Address to listen on. Loopback unless told otherwise.'),
  SHIPLOG_NATS_URL: z
    .string()
    .optional()
    .describe('Address of nats-server. Default: nats://127.0.0.1:<SHIPLOG_NATS_PORT>.'),
  SHIPLOG_EVENT_LOG: z
    .string()
    .regex(
      /^(jetstream|esdb(\+discover)?:\/\/[^@\s]+)$/,
      'jetstream, or esdb://host:port?… or esdb+discover://… without user and password',
    )
    .default('jetstream')
    .describe(
      'Where the log is: `jetstream`, or the connection string of an EventStoreDB without user and password, as in ' +
        'esdb://127.0.0.1:2113?tls=true (docs/eventstoredb.md). Messages between processes go over NATS in any case.',
    ),
  SHIPLOG_EVENT_LOG_USERS: z
    .string()
    .startsWith('/', 'an absolute path')
    .optional()
    .describe(
      'Folder with a file for each process, named as it is (api, builder, …), whose one line is user:password for ' +
        'EventStoreDB. Default: no user, for a server that asks for none.',
    ),
  SHIPLOG_DATABASE_URL: z
    .string()
    .optional()
    .describe('postgres://… for the read models; default: SQLite in the data directory.'),
  SHIPLOG_DATABASE_PASSWORD_FILE: z
    .string()
    .optional()
    .describe('File with the password for SHIPLOG_DATABASE_URL, so that it is in no environment.'),
  SHIPLOG_ENGINE: z
    .string()
    .optional()
    .describe('Engine address; default: DOCKER_HOST, else the local socket.'),
  SHIPLOG_LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error'])
    .default('info')
    .describe('Least level logged.'),
  SHIPLOG_NODE: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/)
    .default('node-1')
    .describe('Name of this machine in the log.'),
  SHIPLOG_MASTER_KEY_FILE: z
    .string()
    .optional()
    .describe(
      'File of the master key, which wraps the keys of all apps. Default: master-key/master.key in the data ' +
        'directory. Only api and deployer read it; its folder has to be writable for the api.',
    ),
  SHIPLOG_WITNESS_DIRECTORY: z
    .string()
    .startsWith('/', 'an absolute path')
    .optional()
    .describe(
      'Folder, best on another machine, that gets a copy of every signed checkpoint (docs/integrity.md). Default: none.',
    ),
  SHIPLOG_WITNESS_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe(
      'Address that every signed checkpoint is sent to, as a Standard Webhook. Default: none.',
    ),
  SHIPLOG_WITNESS_SECRET_FILE: z
    .string()
    .optional()
    .describe(
      'File with the secret (whsec_…) that what goes to SHIPLOG_WITNESS_URL is signed with.',
    ),
  SHIPLOG_ACCEPT_LOG: z.coerce
    .number()
    .int()
    .nonnegative()
    .optional()
    .describe(
      'Go on with a log that lost commits: so many as it has now. Asked for by a start that refused; recorded for ever.',
    ),
  SHIPLOG_HEALTH_PORT: port
    .optional()
    .describe(
      'Port for /healthz, /readyz and /metrics of a process that runs alone. Default: none.',
    ),
  /** How processes reach instances: 127.0.0.1 on one machine, the host's gateway in compose. */
  SHIPLOG_INSTANCE_HOST: z
    .string()
    .default('127.0.0.1')
    .describe('Address at which published instance ports are reached by deployer and router.'),
  SHIPLOG_PUBLISH_ADDRESS: z
    .union([z.literal('auto'), z.ipv4()], {
      error: '"auto" or one IPv4 address of the engine\'s host, never 0.0.0.0',
    })
    .refine((address) => address !== '0.0.0.0', {
      message:
        'one address of the engine\'s host, or "auto": 0.0.0.0 would open instances to every network',
    })
    .default('127.0.0.1')
    .describe(
      'Address on which ports of instances are published. `auto`: loopback, or the gateway of the default bridge where that is how SHIPLOG_INSTANCE_HOST is reached (processes in containers on Linux).',
    ),
  ...routerEnvironment,
  ...publicEnvironment,
  ...domainEnvironment,
  SHIPLOG_DNSMASQ: z
    .string()
    .optional()
    .describe(
      'The dnsmasq program, of which the name servers of teams are made. Without it apps do not find each other by name. Default: found in PATH and /usr/sbin.',
    ),
  SHIPLOG_INSTANCE_PORTS: portRange('21000-21999')
    .optional()
    .describe(
      'Host ports for instances. Default: a thousand between 20000 and 31999, chosen by the name of the platform.',
    ),
});

export type EventLogPlace =
  | { readonly kind: 'jetstream' }
  /** `users`: folder with a file of credentials for each process. */
  | { readonly kind: 'esdb'; readonly address: string; readonly users: string | undefined };

export interface PlatformConfig extends PublicConfig, DomainPlace {
  readonly home: string;
  readonly platform: string;
  readonly apiPort: number;
  /** Where people reach the API: another port than `apiPort` where it is mapped. */
  readonly publicApiPort: number;
  readonly router: 'haproxy' | 'nginx';
  /** Ports of the router that apps may have. */
  readonly tcpPorts: { readonly from: number; readonly to: number };
  readonly natsPort: number;
  readonly bind: string;
  readonly natsUrl: string;
  readonly eventLog: EventLogPlace;
  readonly databaseUrl: string | undefined;
  readonly engine: string | undefined;
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error';
  readonly nodeId: string;
  readonly instanceHost: string;
  readonly publishAddress: string;
  readonly masterKeyFile: string;
  readonly integrity: {
    readonly directory: string | undefined;
    readonly webhook: { readonly url: string; readonly secretFile: string } | undefined;
    readonly acceptLog: number | undefined;
  };
  /** Absent: the deployer chooses by the name of the platform. */
  readonly instancePorts?: { readonly from: number; readonly to: number };
  /** Only where a process runs alone and is watched. */
  readonly healthPort?: number | undefined;
}

export class ConfigError extends Error {
  readonly code = 'config-invalid';
}

/** Reads the environment; throws `ConfigError` that names every variable that is wrong. */
export const readConfig = (env: NodeJS.ProcessEnv): PlatformConfig => {
  const parsed = environment.safeParse(env);
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new ConfigError(lines.join('\n'));
  }
  const e = parsed.data;
  const faults = publicFaults(e);
  if (faults.length > 0) throw new ConfigError(faults.join('\n'));
  const isRoot = process.getuid?.() === 0;
  const home =
    e.SHIPLOG_HOME ?? (isRoot ? '/var/lib/shiplog' : join(homedir(), '.local/share/shiplog'));
  return {
    home,
    platform: e.SHIPLOG_PLATFORM,
    ...{ domain: e.SHIPLOG_DOMAIN, domainChecks: domainChecksOf(e) },
    apiPort: e.SHIPLOG_API_PORT,
    publicApiPort: e.SHIPLOG_PUBLIC_API_PORT ?? e.SHIPLOG_API_PORT,
    ...publicConfigOf(e),
    router: e.SHIPLOG_ROUTER,
    tcpPorts: rangeOf(e.SHIPLOG_TCP_PORTS),
    natsPort: e.SHIPLOG_NATS_PORT,
    bind: e.SHIPLOG_BIND,
    natsUrl: e.SHIPLOG_NATS_URL ?? `nats://127.0.0.1:${e.SHIPLOG_NATS_PORT}`,
    eventLog: eventLogOf(e.SHIPLOG_EVENT_LOG, e.SHIPLOG_EVENT_LOG_USERS),
    databaseUrl: databaseUrlOf(e.SHIPLOG_DATABASE_URL, e.SHIPLOG_DATABASE_PASSWORD_FILE),
    engine: e.SHIPLOG_ENGINE,
    logLevel: e.SHIPLOG_LOG_LEVEL,
    nodeId: e.SHIPLOG_NODE,
    instanceHost: e.SHIPLOG_INSTANCE_HOST,
    publishAddress: e.SHIPLOG_PUBLISH_ADDRESS,
    masterKeyFile: e.SHIPLOG_MASTER_KEY_FILE ?? pathsOf(home).masterKey,
    ...witnessOf(e),
    ...portsOf(e.SHIPLOG_INSTANCE_PORTS),
    healthPort: e.SHIPLOG_HEALTH_PORT,
  };
};

const witnessOf = (e: z.infer<typeof environment>): Pick<PlatformConfig, 'integrity'> => {
  const { SHIPLOG_WITNESS_URL: url, SHIPLOG_WITNESS_SECRET_FILE: secretFile } = e;
  if ((url === undefined) !== (secretFile === undefined)) {
    throw new ConfigError(
      'SHIPLOG_WITNESS_URL and SHIPLOG_WITNESS_SECRET_FILE: give both of them, or none',
    );
  }
  const webhook = url === undefined || secretFile === undefined ? undefined : { url, secretFile };
  const { SHIPLOG_WITNESS_DIRECTORY: directory, SHIPLOG_ACCEPT_LOG: acceptLog } = e;
  return { integrity: { directory, webhook, acceptLog } };
};

export const eventLogOf = (address: string, users: string | undefined): EventLogPlace =>
  address === 'jetstream' ? { kind: 'jetstream' } : { kind: 'esdb', address, users };

const portsOf = (range: readonly number[] | undefined): Pick<PlatformConfig, 'instancePorts'> =>
  range === undefined ? {} : { instancePorts: rangeOf(range) };

const databaseUrlOf = (
  url: string | undefined,
  passwordFile: string | undefined,
): string | undefined => {
  if (url === undefined || passwordFile === undefined) return url;
  try {
    const withPassword = new URL(url);
    withPassword.password = encodeURIComponent(readFileSync(passwordFile, 'utf8').trim());
    return withPassword.href;
  } catch {
    throw new ConfigError(
      `SHIPLOG_DATABASE_PASSWORD_FILE: ${passwordFile} cannot be read, or SHIPLOG_DATABASE_URL is no URL`,
    );
  }
};

/** Where things lie in the data directory. One table, so that no two processes disagree. */
export const pathsOf = (home: string) => ({
  ready: join(home, 'ready.json'),
  credentials: join(home, 'credentials.json'),
  /** Seeds of the NATS users, one file per process, 0600. */
  natsCredentials: join(home, 'nats/credentials'),
  natsConfig: join(home, 'nats/nats-server.conf'),
  natsStore: join(home, 'nats-store'),
  /** What the provisioner proved about the durability of the running server. */
  natsProof: join(home, 'nats/proof/durability.json'),
  /** What the provisioner saw when it looked at the log stream last. */
  natsStreamCheck: join(home, 'nats/proof/stream.json'),
  /** Keys of apps, wrapped by the master key. */
  keys: join(home, 'keys'),
  /** A key per person, which what is known of where they called from is sealed with. */
  personKeys: join(home, 'person-keys'),
  /** Keys of the platform itself, wrapped as those of apps. */
  platformKeys: join(home, 'platform-keys'),
  /** Certificates, their private keys encrypted with a key of the platform. */
  certificates: join(home, 'certificates'),
  /** A folder of its own, so that it can lie elsewhere. What counts is `masterKeyFile` of the configuration. */
  masterKey: join(home, 'master-key/master.key'),
  /** Signed checkpoints of the log, and the key that signs them. */
  integrity: join(home, 'integrity'),
  domainKey: join(home, 'domains/challenge.key'),
  sources: join(home, 'sources'),
  repositories: join(home, 'repositories'),
  builds: join(home, 'builds'),
  router: join(home, 'router'),
  logs: join(home, 'logs'),
  bin: join(home, 'bin'),
  /** What the backup process keeps for itself, the recovery key until somebody takes it away among it. */
  backup: join(home, 'backup'),
  /** There while a restore makes this home: whoever finds it starts nothing on it. */
  restoring: join(home, 'restoring.json'),
});

/**
 * What is made from the log and can be deleted. It speaks of positions, which are those of one log: after
 * the platform was moved to another one (`shiplog log copy`) it is made anew, in another folder.
 */
export const derivedPathsOf = ({ home, eventLog }: Pick<PlatformConfig, 'home' | 'eventLog'>) => {
  const folder =
    eventLog.kind === 'jetstream'
      ? home
      : join(
          home,
          `of-esdb-${createHash('sha256').update(eventLog.address).digest('hex').slice(0, 12)}`,
        );
  return {
    /** Of what each process folds. */
    snapshots: join(folder, 'snapshots'),
    database: join(folder, 'read-models.sqlite'),
    /** Read models of the past. */
    past: join(folder, 'past'),
  };
};
