import { Agent, type ClientRequest, type IncomingMessage } from 'node:http';
import { inspect } from 'node:util';
import type Docker from 'dockerode';

type Dial = Docker['modem']['dial'];
type DialOptions = Parameters<Dial>[0];
type RequestCallback = NonNullable<Parameters<Dial>[1]>;

/** The engine took a call and did not answer in time: it may be done, or be done later, or not at all. */
export class NoAnswerError extends Error {
  constructor(withinMs: number) {
    super(
      `no answer within ${Math.round(withinMs / 100) / 10} s; whether it was done is not known`,
    );
    this.name = 'NoAnswerError';
  }
}

/** These are answered when something ends that has all the time in the world: a program, a build, a transfer. */
const UNBOUNDED = /\/(wait|build|images\/create|images\/load)(?:\?|$)/;

/** What the call asks for beside the answer: a stop takes its grace period. */
const graceMsOf = ({ options }: DialOptions): number => {
  const seconds = (options as { t?: unknown } | undefined)?.t;
  return typeof seconds === 'number' ? seconds * 1000 : 0;
};

/** A log that is followed has no answer before its first line. */
const isFollowed = ({ options }: DialOptions): boolean =>
  (options as { follow?: unknown } | undefined)?.follow === true;

/**
 * Every call of that client ends: with an answer (of a stream: its beginning), or with `NoAnswerError`.
 * An answer that breaks off in the middle is an error at once, and not an answer that never comes.
 */
export const withPatience = (docker: Docker, withinMs: number): Docker => {
  const modem: Modem = docker.modem;
  modem.agent = new WatchfulAgent({ keepAlive: true, scheduling: 'lifo', timeout: 5000 });
  const dial = modem.dial.bind(modem);
  modem.dial = (options, callback) => {
    if (UNBOUNDED.test(options.path) || isFollowed(options)) return dial(options, callback);
    const limitMs = withinMs + graceMsOf(options);
    const late = new AbortController();
    let isOver = false;
    const end: RequestCallback = (error, result) => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      callback?.(error, result);
    };
    const timer = setTimeout(() => {
      end(new NoAnswerError(limitMs), null);
      // Nobody waits for it any more: its connection is not kept.
      late.abort();
    }, limitMs);
    const { abortSignal: given } = options;
    const abortSignal = given ? AbortSignal.any([given, late.signal]) : late.signal;
    dial({ ...options, abortSignal }, end);
  };
  return docker;
};

interface Modem {
  agent?: Agent;
  dial: (options: DialOptions, callback?: RequestCallback) => void;
}

/** docker-modem waits for the end of an answer, and of one that breaks off there is none. */
class WatchfulAgent extends Agent {
  /** docker-modem describes its options at every call, for a log that nobody keeps: with all connections, for milliseconds. */
  [inspect.custom](): string {
    return 'WatchfulAgent';
  }

  addRequest(request: ClientRequest, ...more: unknown[]): void {
    request.once('response', (answer: IncomingMessage) => {
      answer.once('error', (error) => request.emit('error', error));
    });
    // Node's own types leave it out; every agent that stands in for another one goes through here.
    (Agent.prototype as unknown as WatchfulAgent).addRequest.call(this, request, ...more);
  }
}
