import { Agent, request } from 'node:http';
import type { ProbeAnswer } from './tcp.js';

const ANSWER_MS = 5000;
const BODY_CHARACTERS_MAX = 200;

interface HttpProbe {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  /** What a request from outside would carry as Host. */
  readonly virtualHost: string;
  /** Default: 5 s. */
  readonly timeoutMs?: number;
  /** Default: 2xx or 3xx. */
  readonly isGood?: (status: number) => boolean;
}

/** One for all: to make an agent for each question takes longer than to ask it. */
const agent = new Agent({ keepAlive: false, maxSockets: Number.POSITIVE_INFINITY });

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
  timeoutMs = ANSWER_MS,
  isGood = isGoodByDefault,
}: HttpProbe): Promise<ProbeAnswer> =>
  new Promise((resolve) => {
    const done = (isReady: boolean, got: string): void => {
      clearTimeout(timer);
      resolve({ isReady, got });
      asked.destroy();
    };
    const asked = request({
      host,
      port,
      path,
      agent,
      headers: { host: virtualHost, 'user-agent': 'shiplog-probe', connection: 'close' },
    });
    const timer = setTimeout(() => {
      // What has arrived and was not read yet, because we were busy, counts as arrived.
      setImmediate(() => done(false, `no answer to GET ${path} within ${spanOf(timeoutMs)}`));
    }, timeoutMs);
    asked.once('response', (response) => {
      const status = response.statusCode ?? 0;
      if (isGood(status)) return done(true, `HTTP ${status}`);
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body = (body + text).slice(0, BODY_CHARACTERS_MAX);
      });
      const end = (): void =>
        done(false, `HTTP ${status} to GET ${path}${body.trim() === '' ? '' : `: ${body.trim()}`}`);
      response.once('end', end).once('error', end);
    });
    asked.once('error', (error: NodeJS.ErrnoException) => {
      const refused = error.code === 'ECONNREFUSED' || error.code === 'ECONNRESET';
      done(false, refused ? `nothing answers GET ${path}` : `GET ${path}: ${error.message}`);
    });
    asked.end();
  });

const spanOf = (ms: number): string => (ms < 1000 ? `${ms} ms` : `${ms / 1000} s`);
