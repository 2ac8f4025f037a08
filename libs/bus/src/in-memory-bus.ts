import { SubjectBus, type BusOptions } from './subject-bus.js';
import type { Transport, TransportMessage } from './transport.js';

interface Subscriber {
  readonly pattern: readonly string[];
  readonly handler: (message: TransportMessage) => void;
}

/** Joins the buses of several processes in one: `new InMemoryBus(hub, 'api')`. */
export class InMemoryHub {
  private readonly subscribers = new Set<Subscriber>();

  /** One process's end. Messages arrive in a later turn, as over a network. */
  transport(): Transport {
    const own = new Set<Subscriber>();
    let isClosed = false;
    return {
      publish: (subject, payload, reply) => {
        if (!isClosed) this.send(subject, payload.slice(), reply);
      },
      subscribe: (pattern, handler) => {
        const subscriber = { pattern: pattern.split('.'), handler };
        own.add(subscriber);
        this.subscribers.add(subscriber);
        return () => this.subscribers.delete(subscriber);
      },
      close: () => {
        isClosed = true;
        for (const subscriber of own) this.subscribers.delete(subscriber);
        return Promise.resolve();
      },
    };
  }

  private send(subject: string, payload: Uint8Array, reply: string | undefined): void {
    const message = { subject, payload, reply, isNoResponders: false };
    const receivers = this.receiversOf(subject);
    if (receivers.length === 0 && reply !== undefined) {
      const nobody = { ...message, subject: reply, reply: undefined, isNoResponders: true };
      this.deliver(this.receiversOf(reply), nobody);
      return;
    }
    this.deliver(receivers, message);
  }

  private receiversOf(subject: string): Subscriber[] {
    const tokens = subject.split('.');
    return [...this.subscribers].filter(({ pattern }) => matches(pattern, tokens));
  }

  private deliver(receivers: readonly Subscriber[], message: TransportMessage): void {
    setImmediate(() => {
      for (const receiver of receivers) {
        if (this.subscribers.has(receiver)) receiver.handler(message);
      }
    });
  }
}

const matches = (pattern: readonly string[], subject: readonly string[]): boolean => {
  if (pattern.at(-1) === '>') {
    const fixed = pattern.slice(0, -1);
    return subject.length > fixed.length && matches(fixed, subject.slice(0, fixed.length));
  }
  return (
    pattern.length === subject.length &&
    pattern.every((token, i) => token === '*' || token === subject[i])
  );
};

/** For tests of processes that talk to each other. */
export class InMemoryBus extends SubjectBus {
  constructor(hub: InMemoryHub, process: string, options?: BusOptions) {
    super(hub.transport(), process, options);
  }
}
