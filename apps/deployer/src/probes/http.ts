import { request } from 'node:http';
import type { ProbeAnswer } from './tcp.js';

const ANSWER_MS = 5000;
const BODY_CHARACTERS_MAX = 200;

interface HttpProbe {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  /** What a request from outside would carry as Host. */
  readonly virtualHost: string;
}

/** Ready when the path answers 2xx or 3xx. */
export const probeHttp = ({ host, port, path, virtualHost }: HttpProbe): Promise<ProbeAnswer> =>
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
      agent: false,
      headers: { host: virtualHost, 'user-agent': 'shiplog-probe', connection: 'close' },
    });
    const timer = setTimeout(
      () => done(false, `no answer to GET ${path} within ${ANSWER_MS / 1000} s`),
      ANSWER_MS,
    );
    asked.once('response', (response) => {
      const status = response.statusCode ?? 0;
      if (status >= 200 && status < 400) return done(true, `HTTP ${status}`);
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
