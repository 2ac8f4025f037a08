import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The engine's socket under another name, that can be cut as a restart of the engine cuts it. */
export class EngineProxy {
  private server: Server | undefined;
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly folder: string,
    readonly path: string,
  ) {}

  static async start(): Promise<EngineProxy> {
    const folder = await mkdtemp(join(tmpdir(), 'engine-'));
    const proxy = new EngineProxy(folder, join(folder, 'engine.sock'));
    await proxy.open();
    return proxy;
  }

  async open(): Promise<void> {
    this.server = createServer({ allowHalfOpen: true }, (client) => {
      const engine = connect({ path: '/var/run/docker.sock', allowHalfOpen: true });
      for (const socket of [client, engine]) {
        this.sockets.add(socket);
        socket.on('error', () => undefined);
        socket.once('close', () => this.sockets.delete(socket));
      }
      client.pipe(engine).pipe(client);
    });
    await new Promise<void>((resolve) => this.server?.listen(this.path, resolve));
  }

  async cut(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server?.close(() => resolve()));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  async end(): Promise<void> {
    await this.cut();
    await rm(this.folder, { recursive: true });
  }
}
