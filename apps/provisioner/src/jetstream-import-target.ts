import { createUser } from '@nats-io/nkeys';
import { headers, nkeyAuthenticator, type NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { HASH_HEADER, JetStreamEventLog, LOG_STREAM, subjectOf } from '@shiplog/events/jetstream';
import { LogUnavailableError } from '@shiplog/events/log';
import type { StreamName } from '@shiplog/events';
import { diskObstacle, pathsOf } from '@shiplog/runtime';
import { ensureNatsServer, writeOwnConfig } from './ensure-nats-server.js';
import type { CommitToImport, ImportTarget } from './import-target.js';
import { IMPORTER_INBOX } from './permissions.js';
import { provision } from './provision.js';
import type { ServerConfig } from './write-nats-config.js';

/** Each publish waits for all before it: nats-server syncs after every one. */
const ACK_TIMEOUT_MS = 60_000;

/**
 * The log of this home, open to an importer and to nobody else: a nats-server of its own for as long,
 * whose only writer has a key that lives in this process. The caller holds the home.
 */
export const openJetStreamTarget = async (config: ServerConfig): Promise<ImportTarget> => {
  const importer = createUser();
  const server = await ensureNatsServer(config, undefined, importer.getPublicKey());
  const stop = async (): Promise<void> => {
    await server.stop();
    await writeOwnConfig(config);
  };
  let connection: NatsConnection;
  try {
    await provision(config);
    connection = await connect({
      servers: config.natsUrl,
      name: 'importer',
      authenticator: nkeyAuthenticator(importer.getSeed()),
      inboxPrefix: IMPORTER_INBOX,
      reconnect: false,
    });
  } catch (error) {
    await stop();
    throw error;
  }
  const log = new JetStreamEventLog(connection, {
    inboxPrefix: IMPORTER_INBOX,
    process: 'provisioner',
    durability: () => Promise.resolve('disk'),
  });
  const obstacle = diskObstacle(pathsOf(config.home).natsStore);
  return {
    readStored: (after, limit) => log.readStored(after, limit),
    head: () => log.head(),
    append: async (commits) => {
      const reason = await obstacle();
      if (reason !== undefined) {
        throw new LogUnavailableError('importing', 'not-written', { obstacle: reason });
      }
      const last = Number(await log.head());
      await Promise.all(commits.map((commit, i) => publish(connection, commit, last + i)));
    },
    close: async () => {
      await log.close();
      await connection.close();
      await stop();
    },
  };
};

interface Ack {
  readonly error?: { readonly err_code: number; readonly description: string };
  readonly seq: number;
  readonly duplicate?: boolean;
}

/** Many are under way at once; each expects the one before it, so that a lost one stops all after it. */
const publish = async (
  connection: NatsConnection,
  { stream, id, hash, bytes }: CommitToImport,
  expectedLastSequence: number,
): Promise<void> => {
  const h = headers();
  h.set('Nats-Msg-Id', id);
  h.set('Nats-Expected-Stream', LOG_STREAM);
  h.set('Nats-Expected-Last-Sequence', String(expectedLastSequence));
  h.set(HASH_HEADER, hash);
  const doing = `importing commit ${id} of ${stream}`;
  const subject = subjectOf(stream as StreamName);
  const answer = await connection
    .request(subject, bytes, { headers: h, timeout: ACK_TIMEOUT_MS })
    .catch((cause: unknown) => {
      throw new LogUnavailableError(doing, 'unknown', { cause });
    });
  const ack = answer.json<Ack>();
  if (ack.error !== undefined) {
    const { description, err_code: code } = ack.error;
    throw new LogUnavailableError(
      `${doing}: nats-server says "${description}" (${code})`,
      'unknown',
    );
  }
  if (ack.duplicate === true || ack.seq !== expectedLastSequence + 1) {
    throw new LogUnavailableError(`${doing}: it got another place than the next one`, 'unknown');
  }
};
