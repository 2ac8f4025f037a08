import type { NatsConnection } from '@nats-io/nats-core';
import { BusError } from './bus.port.js';
import { SubjectBus, type BusOptions } from './subject-bus.js';
import type { Transport } from './transport.js';

/** The bus over NATS. The connection stays open when the bus is closed: it belongs to who made it. */
export class NatsBus extends SubjectBus {
  constructor(connection: NatsConnection, process: string, options?: BusOptions) {
    super(natsTransport(connection), process, options);
  }
}

const natsTransport = (connection: NatsConnection): Transport => {
  const active = new Set<() => void>();
  return {
    publish: (subject, payload, reply) => {
      if (connection.isClosed()) return;
      const bytesMax = connection.info?.max_payload ?? Infinity;
      if (payload.length > bytesMax) {
        throw new BusError(
          'message-too-large',
          `a message of ${payload.length} bytes on ${subject} is above the limit of ${bytesMax}`,
        );
      }
      connection.publish(subject, payload, reply === undefined ? {} : { reply });
    },
    subscribe: (pattern, handler) => {
      const subscription = connection.subscribe(pattern, {
        callback: (error, message) => {
          // An error ends the subscription (no permission, connection closed): the asker times out.
          if (error !== null) return;
          try {
            handler({
              subject: message.subject,
              payload: message.data,
              reply: message.reply === '' ? undefined : message.reply,
              isNoResponders: message.data.length === 0 && message.headers?.code === 503,
            });
          } catch (thrown) {
            // A bug, and it ends the process. Thrown here it would only stop the client from reading
            // this connection, the log included, without a word.
            setImmediate(() => {
              throw thrown;
            });
          }
        },
      });
      const unsubscribe = (): void => {
        active.delete(unsubscribe);
        subscription.unsubscribe();
      };
      active.add(unsubscribe);
      return unsubscribe;
    },
    close: async () => {
      for (const unsubscribe of [...active]) unsubscribe();
      if (!connection.isClosed()) await connection.flush().catch(() => undefined);
    },
  };
};
