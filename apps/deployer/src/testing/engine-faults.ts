import { request } from 'node:http';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What becomes of a call that matches, as often as it says. */
export interface EngineFault {
  /** Of `METHOD /path`. */
  readonly call: RegExp;
  times: number;
  /** Before it reaches the engine. */
  readonly before?: (path: string) => Promise<unknown>;
  /** Answered so instead of by the engine. */
  readonly refuse?: { readonly status: number; readonly message: string };
  /** The engine does it, and nobody hears of it. */
  readonly isLost?: boolean;
  /** It is not answered: the engine does not hear of it, or does it. */
  readonly hangs?: 'before' | 'after';
  /** The engine does it, and half of its answer arrives. */
  readonly isCut?: boolean;
}

/** The machine's engine behind a socket of its own, at which single calls go wrong. */
export class EngineFaults {
  private readonly server: Server;
  private faults: readonly EngineFault[] = [];
  private readonly hanging = new Set<IncomingMessage>();

  private constructor(private readonly folder: string) {
    this.server = createServer((asked, answer) => void this.pass(asked, answer));
  }

  static async start(): Promise<EngineFaults> {
    const proxy = new EngineFaults(await mkdtemp(join(tmpdir(), 'engine-')));
    await new Promise<void>((resolve) => proxy.server.listen(proxy.path, resolve));
    return proxy;
  }

  get path(): string {
    return join(this.folder, 'engine.sock');
  }

  set(...faults: readonly EngineFault[]): void {
    this.faults = faults;
  }

  /** Connections at which calls hang are cut, as by an engine that ends. */
  letGo(): void {
    for (const asked of this.hanging) asked.socket.destroy();
    this.hanging.clear();
  }

  /** Of the faults that were set: how many did not strike. */
  get left(): number {
    return this.faults.reduce((sum, { times }) => sum + times, 0);
  }

  async end(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
    await rm(this.folder, { recursive: true });
  }

  private async pass(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/', headers } = asked;
    const call = `${method} ${url}`;
    const fault = this.faults.find((each) => each.times > 0 && each.call.test(call));
    if (fault !== undefined) fault.times -= 1;
    await fault?.before?.(url);
    if (fault?.hangs !== undefined) {
      this.hanging.add(asked);
      asked.socket.once('close', () => this.hanging.delete(asked));
    }
    if (fault?.hangs === 'before') return;
    if (fault?.refuse !== undefined) {
      const { status, message } = fault.refuse;
      answer.writeHead(status, { 'content-type': 'application/json' });
      return void answer.end(JSON.stringify({ message }));
    }
    const socketPath = '/var/run/docker.sock';
    const forwarded = request({ socketPath, method, path: url, headers }, (answered) => {
      if (fault?.isLost === true) {
        answered.resume();
        return answered.once('end', () => asked.socket.destroy());
      }
      if (fault?.hangs === 'after') return answered.resume();
      answer.writeHead(answered.statusCode ?? 500, answered.headers);
      if (fault?.isCut === true) {
        return answered.once('data', (bytes: Buffer) => {
          answer.write(bytes.subarray(0, bytes.length / 2), () => asked.socket.destroy());
        });
      }
      answer.flushHeaders();
      return answered.pipe(answer);
    });
    forwarded.on('error', () => asked.socket.destroy());
    answer.once('close', () => forwarded.destroy());
    asked.pipe(forwarded);
  }
}
