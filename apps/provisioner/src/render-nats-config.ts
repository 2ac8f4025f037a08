import type { NatsUser } from '@shiplog/runtime';
import { IMPORTER, permissionsOf } from './permissions.js';

export interface NatsConfig {
  readonly serverName: string;
  readonly host: string;
  readonly port: number;
  readonly storeDirectory: string;
  readonly pidFile: string | undefined;
  /** Undefined: the server writes to its standard error. */
  readonly logFile: string | undefined;
  readonly publicKeys: ReadonlyMap<NatsUser, string>;
  /** Set while a log is imported: then only the importer is let in, and no process of the platform. */
  readonly importerKey?: string | undefined;
}

/** Room for answers with many log lines; a commit is limited to less by the stream. */
const PAYLOAD_BYTES_MAX = 8 * 1024 * 1024;

/** What could change or delete the log, or send parts of it elsewhere. Shiplog needs none of it. */
const REFUSED_REQUESTS = [
  '$JS.API.STREAM.UPDATE.*',
  '$JS.API.STREAM.DELETE.*',
  '$JS.API.STREAM.PURGE.*',
  '$JS.API.STREAM.RESTORE.*',
  '$JS.API.STREAM.SNAPSHOT.*',
  '$JS.API.STREAM.MSG.DELETE.*',
  '$JS.API.CONSUMER.>',
] as const;

/** The whole configuration of nats-server: one user per process with exactly its permissions. */
export const renderNatsConfig = (config: NatsConfig): string => {
  const users = usersOfServer(config);
  const usersOf = (isSystem: boolean): string =>
    users
      .filter(([user]) => (user === 'system') === isSystem)
      .map(([user, key]) => renderUser(user, key))
      .join('\n');
  return `# Written by the provisioner; what is changed here by hand is overwritten.
server_name: ${quoted(config.serverName)}
host: ${quoted(config.host)}
port: ${config.port}
${renderFiles(config)}max_payload: ${PAYLOAD_BYTES_MAX}
jetstream {
  store_dir: ${quoted(config.storeDirectory)}
  sync_interval: always
  # Without a number nats-server takes three quarters of what is free at its start, and refuses
  # commits on a disk with room after a restart. Processes look at the disk themselves.
  max_file_store: 1PB
}
accounts {
  SYS {
    users: [
${usersOf(true)}
    ]
    # Permissions say who may send a request, not where its answer goes: whoever may read a commit can
    # have it sent to any subject of the account, these among them. So nobody is heard there.
    mappings {
${REFUSED_REQUESTS.map(renderRefusal).join('\n')}
    }
  }
  SHIPLOG {
    # The log and the probes, and no stream that somebody adds.
    jetstream { max_streams: 2 }
    users: [
${usersOf(false)}
    ]
  }
}
system_account: SYS
`;
};

const usersOfServer = ({
  publicKeys,
  importerKey,
}: NatsConfig): readonly (readonly [NatsUser | 'importer', string])[] =>
  importerKey === undefined
    ? [...publicKeys]
    : [
        ...[...publicKeys].filter(([user]) => user === 'provisioner' || user === 'system'),
        ['importer', importerKey],
      ];

// A wildcard for the rest of a subject has to stand on both sides.
const renderRefusal = (subject: string): string => {
  const nowhere = subject.endsWith('>') ? 'shiplog.refused.>' : 'shiplog.refused';
  return `      ${quoted(subject)}: ${quoted(nowhere)}`;
};

const renderFiles = ({ pidFile, logFile }: NatsConfig): string => {
  const lines = [
    ...(pidFile === undefined ? [] : [`pid_file: ${quoted(pidFile)}`]),
    ...(logFile === undefined
      ? []
      : [`logfile: ${quoted(logFile)}`, 'logfile_size_limit: 10MB', 'logfile_max_num: 3']),
  ];
  return lines.map((line) => `${line}\n`).join('');
};

const renderUser = (user: NatsUser | 'importer', publicKey: string): string => {
  const { publish, subscribe } = user === 'importer' ? IMPORTER : permissionsOf(user);
  const list = (subjects: readonly string[]): string => subjects.map(quoted).join(', ');
  return `      # ${user}
      { nkey: ${publicKey}, permissions: {
        publish: { allow: [${list(publish)}] }
        subscribe: { allow: [${list(subscribe)}] } } }`;
};

export class UnsafePathError extends Error {
  readonly code = 'config-invalid';
}

const quoted = (text: string): string => {
  if (!/^[^"\\\p{Cc}]+$/u.test(text)) {
    throw new UnsafePathError(
      `${JSON.stringify(text)} cannot stand in the configuration of nats-server; use a path without quotes, backslashes and control characters`,
    );
  }
  return `"${text}"`;
};
