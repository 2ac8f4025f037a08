import { randomUUID } from 'node:crypto';
import { BusError, type Bus, type Session } from './bus.port.js';
import type { Transport, TransportMessage } from './transport.js';
import { WireSession } from './wire-session.js';
import { decodeJson, decodeMessage, encodeJson, toWireError, type WireError } from './wire.js';

export interface BusOptions {
  /** Default 5 s; a peer is gone after three that did not come. */
  readonly heartbeatMs?: number;
  /** How long `open` waits for an acceptance. Default 5 s. */
  readonly openTimeoutMs?: number;
}

const REQUEST_TIMEOUT_MS = 5_000;
const OPERATION = /^[A-Za-z0-9_-]{1,64}(\.[A-Za-z0-9_-]{1,64}){0,4}$/;

type Answer = { readonly result: unknown } | { readonly error: WireError };

interface Question {
  readonly process: string;
  readonly operation: string;
  readonly input: unknown;
  readonly channel: 'reply' | 'session';
  readonly timeoutMs: number;
}

/** The bus in terms of subjects; the transport below is NATS, or a hub in memory. */
export class SubjectBus implements Bus {
  private readonly sessions = new Set<WireSession>();
  private readonly heartbeatMs: number;
  private readonly openTimeoutMs: number;

  constructor(
    private readonly transport: Transport,
    private readonly process: string,
    options: BusOptions = {},
  ) {
    this.heartbeatMs = options.heartbeatMs ?? 5_000;
    this.openTimeoutMs = options.openTimeoutMs ?? 5_000;
  }

  publish(topic: string, data: unknown): void {
    this.transport.publish(`tel.${this.process}.${topic}`, encodeJson(data));
  }

  listen(
    process: string,
    topic: string,
    handler: (data: unknown, topic: string) => void,
  ): () => void {
    const prefix = `tel.${process}.`;
    return this.transport.subscribe(`${prefix}${topic}`, ({ subject, payload }) => {
      const heard = subject.slice(prefix.length);
      // With a wide topic replies and frames pass by, too: they are not for listeners.
      if (/^(reply|session)\./.test(heard)) return;
      const data = decodeTelemetry(payload);
      if (data !== undefined) handler(data, heard);
    });
  }

  request(
    process: string,
    operation: string,
    input: unknown,
    options: { timeoutMs?: number } = {},
  ): Promise<unknown> {
    const timeoutMs = options.timeoutMs ?? REQUEST_TIMEOUT_MS;
    return this.ask(
      { process, operation, input, channel: 'reply', timeoutMs },
      (message, unsubscribe) => {
        unsubscribe();
        const answer = decodeJson(message.payload) as Answer;
        if ('error' in answer) throw new BusError(answer.error.code, answer.error.message);
        return answer.result;
      },
    );
  }

  serve(operation: string, handler: (input: unknown) => Promise<unknown>): () => void {
    return this.transport.subscribe(this.operationSubject(operation), (message) => {
      const { reply } = message;
      if (reply === undefined) return;
      const respond = (answer: Answer): void => this.transport.publish(reply, encodeJson(answer));
      Promise.resolve()
        .then(() => handler(decodeJson(message.payload)))
        .then((result) => respond({ result: result ?? null }))
        .catch((error: unknown) => respond({ error: toWireError(error) }));
    });
  }

  open(process: string, operation: string, input: unknown): Promise<Session> {
    let session: WireSession | undefined;
    const question = { process, operation, input, timeoutMs: this.openTimeoutMs };
    return this.ask({ ...question, channel: 'session' }, (message, unsubscribe, id) => {
      if (session !== undefined) {
        session.receive(message.payload);
        return session;
      }
      const first = decodeMessage(message.payload);
      if (first.t !== 'accept') {
        unsubscribe();
        throw new BusError('failed', `${process} began "${operation}" without accepting it`);
      }
      session = this.newSession(`rpc.${process}.session.${id}`, unsubscribe);
      session.receive(message.payload);
      return session;
    });
  }

  serveSessions(
    operation: string,
    handler: (input: unknown, session: Session) => Promise<void>,
  ): () => void {
    return this.transport.subscribe(this.operationSubject(operation), ({ payload, reply }) => {
      if (reply === undefined) return;
      const id = reply.slice(reply.lastIndexOf('.') + 1);
      let session: WireSession | undefined = undefined;
      const subject = `rpc.${this.process}.session.${id}`;
      const unsubscribe = this.transport.subscribe(subject, (message) =>
        session?.receive(message.payload),
      );
      const accepted = (session = this.newSession(reply, unsubscribe));
      accepted.accept();
      Promise.resolve()
        .then(() => handler(decodeJson(payload), accepted))
        .catch((error: unknown) => accepted.end(toWireError(error)));
    });
  }

  async close(): Promise<void> {
    for (const session of [...this.sessions]) {
      session.end({ code: 'closed', message: 'the process is stopping' });
    }
    await this.transport.close();
  }

  /** Publishes a question and hands every answer to `take`; settles with the first. */
  private ask<T>(
    { process, operation, input, channel, timeoutMs }: Question,
    take: (message: TransportMessage, unsubscribe: () => void, id: string) => T,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const id = randomUUID();
      const reply = `tel.${process}.${channel}.${id}`;
      const noAnswer = (why: string): void => {
        unsubscribe();
        reject(new BusError('no-answer', `${process} did not answer "${operation}": ${why}`));
      };
      const timer = setTimeout(() => noAnswer(`nothing came in ${timeoutMs} ms`), timeoutMs);
      const unsubscribe = this.transport.subscribe(reply, (message) => {
        clearTimeout(timer);
        if (message.isNoResponders) return noAnswer('it is not running');
        try {
          resolve(take(message, unsubscribe, id));
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      });
      this.transport.publish(`rpc.${process}.${checked(operation)}`, encodeJson(input), reply);
    });
  }

  private newSession(subject: string, unsubscribe: () => void): WireSession {
    const session = new WireSession(
      (payload) => this.transport.publish(subject, payload),
      () => {
        unsubscribe();
        this.sessions.delete(session);
      },
      { heartbeatMs: this.heartbeatMs },
    );
    this.sessions.add(session);
    return session;
  }

  private operationSubject(operation: string): string {
    return `rpc.${this.process}.${checked(operation)}`;
  }
}

/** Undefined for what is not JSON: nobody here sends that, and what anybody sends must not end a listener. */
const decodeTelemetry = (payload: Uint8Array): unknown => {
  try {
    return decodeJson(payload);
  } catch {
    return undefined;
  }
};

const checked = (operation: string): string => {
  if (!OPERATION.test(operation)) throw new Error(`"${operation}" is not the name of an operation`);
  return operation;
};
