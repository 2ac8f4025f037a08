import { once } from 'node:events';
import { createConnection, createServer, type AddressInfo, type Socket } from 'node:net';

/** What the proxy does with bytes on their way back from the server. */
export type Fault = 'none' | 'drop-answers' | 'cut-after-request' | 'cut-in-request';

/** Stands between a client and a server of the log and breaks what it is told to break. */
export interface FaultyProxy {
  readonly port: number;
  /** In force for what passes from now on. A cut happens once, then the fault is `none` again. */
  setFault(fault: Fault): void;
  /** How often a fault struck, so that a test can prove that it tested something. */
  struck(): number;
  close(): Promise<void>;
}

interface Pair {
  readonly client: Socket;
  readonly upstream: Socket;
}

/** `marker`: stands in what asks the server to append, and in nothing else that a client sends. */
export const startFaultyProxy = async (
  target: number,
  marker = 'HPUB log.',
): Promise<FaultyProxy> => {
  const pairs = new Set<Pair>();
  let fault: Fault = 'none';
  let struck = 0;

  const cut = ({ client, upstream }: Pair): void => {
    struck += 1;
    fault = 'none';
    upstream.end();
    client.destroy();
  };
  const isPublish = (chunk: Buffer): boolean => chunk.includes(marker);

  const server = createServer((client) => {
    const upstream = createConnection({ host: '127.0.0.1', port: target });
    const pair = { client, upstream };
    pairs.add(pair);
    client.on('data', (chunk) => {
      if (fault === 'cut-in-request' && isPublish(chunk)) {
        upstream.write(chunk.subarray(0, chunk.indexOf(marker) + 40));
        cut(pair);
        return;
      }
      upstream.write(chunk);
      // The server gets all of it and stores it; its answer finds nobody.
      if (fault === 'cut-after-request' && isPublish(chunk)) cut(pair);
    });
    upstream.on('data', (chunk) => {
      if (fault === 'drop-answers') struck += 1;
      else client.write(chunk);
    });
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.on('error', () => undefined);
      one.on('close', () => {
        other.destroy();
        pairs.delete(pair);
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    setFault: (next) => {
      // A stream with a hole in it cannot go on: after dropped answers the connection is cut.
      if (fault === 'drop-answers') for (const pair of [...pairs]) pair.client.destroy();
      fault = next;
    },
    struck: () => struck,
    close: async () => {
      for (const { client, upstream } of [...pairs]) {
        client.destroy();
        upstream.destroy();
      }
      server.close();
      await once(server, 'close');
    },
  };
};
