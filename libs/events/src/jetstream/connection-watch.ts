import type { NatsConnection } from '@nats-io/nats-core';

/** Tells when the connection was lost and when it came back. */
export class ConnectionWatch {
  isConnected = true;
  private readonly listeners = new Set<(event: 'lost' | 'back' | 'closed') => void>();
  private readonly events: ReturnType<NatsConnection['status']>;

  constructor(connection: NatsConnection) {
    this.events = connection.status();
    void this.run();
  }

  /** Returns the way to end listening. */
  on(listener: (event: 'lost' | 'back' | 'closed') => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Rejects as soon as the connection is lost: an answer that was asked for before will not come. */
  whileConnected<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const off = this.on((event) => {
        if (event !== 'back') reject(new Error('the connection to nats-server was lost'));
      });
      work.then(resolve, reject).finally(off);
    });
  }

  /** Resolves when connected, at the latest after `timeoutMs`. */
  connected(timeoutMs: number): Promise<void> {
    if (this.isConnected) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        off();
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      const off = this.on((event) => {
        if (event !== 'lost') done();
      });
    });
  }

  private async run(): Promise<void> {
    for await (const { type } of this.events) {
      if (type === 'disconnect') this.tell('lost', false);
      else if (type === 'reconnect') this.tell('back', true);
      else if (type === 'close') this.tell('closed', false);
    }
  }

  private tell(event: 'lost' | 'back' | 'closed', isConnected: boolean): void {
    this.isConnected = isConnected;
    for (const listener of [...this.listeners]) listener(event);
  }
}
