import type { Readable } from 'node:stream';
import { Agent, request } from 'node:http';
import { connect } from 'node:http2';
import { isIPv6 } from 'node:net';
import type { WebProtocol } from '@shiplog/events';
import type { ProbeAnswer } from './tcp.js';

const ANSWER_MS = 5000;
const BODY_CHARACTERS_MAX = 200;

interface HttpProbe {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  /** What a request from outside would carry as Host. */
  readonly virtualHost: string;
  /** Default: HTTP/1.1. */
  readonly protocol?: WebProtocol;
  /** Default: 5 s. */
  readonly timeoutMs?: number;
  /** Default: 2xx or 3xx. */
  readonly isGood?: (status: number) => boolean;
}

const isGoodByDefault = (status: number): boolean => status >= 200 && status < 400;

/**
 * Ready when the path answers with a good status. A connection for each question: one that is kept says
 * nothing about whether the next user is let in, and an idle one may be closed just when it is used.
 */
export const probeHttp = ({
  host,
  port,
  path,
  virtualHost,
  protocol = 'http',
  timeoutMs = ANSWER_MS,
  isGood = isGoodByDefault,
}: HttpProbe): Promise<ProbeAnswer> =>
  new Promise((resolve) => {
    const done = (isReady: boolean, got: string): void => {
      clearTimeout(timer);
      resolve({ isReady, got });
      hangUp();
    };
    const timer = setTimeout(() => {
      // What has arrived and was not read yet, because we were busy, counts as arrived.
      setImmediate(() => done(false, `no answer to GET ${path} within ${spanOf(timeoutMs)}`));
    }, timeoutMs);
    const onAnswer = (status: number, answer: Readable): void => {
      if (isGood(status)) return done(true, `HTTP ${status}`);
      let body = '';
      answer.setEncoding('utf8').on('data', (text: string) => {
        body = (body + text).slice(0, BODY_CHARACTERS_MAX);
      });
      const end = (): void =>
        done(false, `HTTP ${status} to GET ${path}${body.trim() === '' ? '' : `: ${body.trim()}`}`);
      answer.once('end', end).once('error', end);
    };
    const onError = (error: NodeJS.ErrnoException): void => {
      const refused = error.code === 'ECONNREFUSED' || error.code === 'ECONNRESET';
      done(false, refused ? `nothing answers GET ${path}` : `GET ${path}: ${error.message}`);
    };
    const hangUp = GET[protocol]({ host, port, path, virtualHost }, { onAnswer, onError });
  });

type Where = Pick<HttpProbe, 'host' | 'port' | 'path' | 'virtualHost'>;
interface Listener {
  readonly onAnswer: (status: number, body: Readable) => void;
  readonly onError: (error: NodeJS.ErrnoException) => void;
}

/** One for all: to make an agent for each question takes longer than to ask it. */
const agent = new Agent({ keepAlive: false, maxSockets: Number.POSITIVE_INFINITY });
const USER_AGENT = 'shiplog-probe';

/** Asks over a connection of its own, and answers how to end it. */
const GET: Readonly<Record<WebProtocol, (where: Where, listener: Listener) => () => void>> = {
  http: ({ virtualHost, ...where }, { onAnswer, onError }) => {
    const headers = { host: virtualHost, 'user-agent': USER_AGENT, connection: 'close' };
    const asked = request({ ...where, agent, headers });
    asked.once('response', (response) => onAnswer(response.statusCode ?? 0, response));
    asked.once('error', onError).end();
    return () => asked.destroy();
  },
  h2c: ({ host, port, path, virtualHost }, { onAnswer, onError }) => {
    const session = connect(`http://${isIPv6(host) ? `[${host}]` : host}:${port}`);
    session.on('error', onError);
    const headers = { ':path': path, ':authority': virtualHost, 'user-agent': USER_AGENT };
    const asked = session.request(headers, { endStream: true });
    asked.once('response', ({ ':status': status = 0 }) => onAnswer(status, asked));
    // A request whose connection failed tells that as its cause, and may tell it first.
    asked.on('error', (error: Error) =>
      onError(error.cause instanceof Error ? error.cause : error),
    );
    return () => session.destroy();
  },
};

const spanOf = (ms: number): string => (ms < 1000 ? `${ms} ms` : `${ms / 1000} s`);
