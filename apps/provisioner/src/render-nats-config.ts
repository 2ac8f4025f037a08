import type { NatsUser } from '@shiplog/runtime';
import { permissionsOf } from './permissions.js';

export interface NatsConfig {
  readonly serverName: string;
  readonly host: string;
  readonly port: number;
  readonly storeDirectory: string;
  readonly pidFile: string | undefined;
  /** Undefined: the server writes to its standard error. */
  readonly logFile: string | undefined;
  readonly publicKeys: ReadonlyMap<NatsUser, string>;
}

/** Room for answers with many log lines; a commit is limited to less by the stream. */
const PAYLOAD_BYTES_MAX = 8 * 1024 * 1024;

/** The whole configuration of nats-server: one user per process with exactly its permissions. */
export const renderNatsConfig = (config: NatsConfig): string => {
  const users = [...config.publicKeys];
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
  }
  SHIPLOG {
    jetstream: enabled
    users: [
${usersOf(false)}
    ]
  }
}
system_account: SYS
`;
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

const renderUser = (user: NatsUser, publicKey: string): string => {
  const { publish, subscribe } = permissionsOf(user);
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
