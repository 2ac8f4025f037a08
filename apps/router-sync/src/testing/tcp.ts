import { connect, createServer, type Socket } from 'node:net';

/** Says its name to whoever connects, then echoes. */
export const startTcpInstance = async (name: string) => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
    socket.write(`${name}\n`);
    socket.pipe(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as { port: number }).port,
    /** As after a kill: connections are reset, the port is closed. */
    kill: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
};

/** Connects; the name that it is told, '' where it is hung up on, undefined where nobody listens. */
export const openTcp = (port: number) =>
  new Promise<{ readonly said: string | undefined; readonly socket: Socket }>((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let isConnected = false;
    socket.once('connect', () => (isConnected = true));
    socket.once('data', (data) => resolve({ said: data.toString().trim(), socket }));
    socket.once('error', () => resolve({ said: isConnected ? '' : undefined, socket }));
    socket.once('close', () => resolve({ said: isConnected ? '' : undefined, socket }));
  });

/** Who answers, when the connection is closed again. */
export const whoAt = async (port: number): Promise<string | undefined> => {
  const { said, socket } = await openTcp(port);
  socket.destroy();
  return said;
};
