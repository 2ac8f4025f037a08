import { connectNats, OperationalError } from '@shiplog/runtime';
import { HEALTH_QUESTION, JETSTREAM_QUESTION } from './permissions.js';
import type { ServerConfig } from './write-nats-config.js';

/** What a nats-server says about itself to its system user. */
export interface ServerFacts {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly storeDirectory: string;
  /** Every acknowledged message was synced to disk. */
  readonly isSyncAlways: boolean;
}

interface JetStreamAnswer {
  readonly server: { readonly id: string; readonly name: string; readonly ver: string };
  readonly data?: {
    readonly config?: { readonly store_dir?: string; readonly sync_always?: boolean };
    readonly disabled?: boolean;
  };
}

/** The server answers, but its log storage is off. */
export class JetStreamDisabledError extends OperationalError {
  readonly code = 'jetstream-disabled';
  readonly retryable = true;
}

/** Asks the running server over NATS, no HTTP port needed. Rejects when it cannot be reached. */
export const inspectServer = async (
  config: Pick<ServerConfig, 'home' | 'natsUrl'>,
  timeoutMs: number,
): Promise<ServerFacts> => {
  const connection = await connectNats(config, 'system', { timeoutMs });
  try {
    const question = JSON.stringify({ config: true });
    const answer = await connection.request(JETSTREAM_QUESTION, question, { timeout: 5_000 });
    const { server, data } = answer.json<JetStreamAnswer>();
    if (data?.disabled === true || data?.config === undefined) {
      throw new JetStreamDisabledError(`asking nats-server ${server.name} for its log storage`);
    }
    return {
      id: server.id,
      name: server.name,
      version: server.ver,
      storeDirectory: data.config.store_dir ?? '',
      isSyncAlways: data.config.sync_always === true,
    };
  } finally {
    await connection.close();
  }
};

/**
 * What keeps the server from storing, in its own words; undefined when nothing does. A stream that met a
 * full disk or a failed fsync takes nothing more until the server is started again.
 */
export const inspectHealth = async (
  config: Pick<ServerConfig, 'home' | 'natsUrl'>,
  timeoutMs: number,
): Promise<string | undefined> => {
  const connection = await connectNats(config, 'system', { timeoutMs });
  try {
    const answer = await connection.request(HEALTH_QUESTION, '{}', { timeout: 5_000 });
    const { data } = answer.json<{ data?: { status?: string; error?: string } }>();
    return data?.status === 'ok' ? undefined : (data?.error ?? 'no answer about its health');
  } finally {
    await connection.close();
  }
};
