import { request } from 'node:http';
import type { TrafficCounters } from '@shiplog/domain';
import { parseAnswer, type NginxAnswer } from './table.js';
import { RouterError } from '../routes/router.port.js';

const TIMEOUT_MS = 5_000;

interface TakenAccess {
  readonly lines: readonly string[];
  readonly lost: number;
  /** Requests that were answered since nginx began, before the lines were taken. */
  readonly answered: number;
}

/** What `shiplog_admin.lua` tells and takes at its unix socket. */
export class NginxAdmin {
  constructor(readonly socket: string) {}

  /** Everything, or without the table where it is still the one of generation `known`. */
  async read(known = ''): Promise<NginxAnswer> {
    return parseAnswer(await this.ask('GET', `/routes?known=${known}`));
  }

  /** All lines or none; answers what it then read of what they named. */
  async change(lines: readonly string[]): Promise<NginxAnswer> {
    return parseAnswer(
      await this.ask('POST', '/routes', lines.map((line) => `${line}\n`).join('')),
    );
  }

  async traffic(appId: string): Promise<ReadonlyMap<string, TrafficCounters>> {
    const text = await this.ask('GET', `/traffic?app=${encodeURIComponent(appId)}`);
    return new Map(
      text
        .trim()
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => {
          const [id = '', requests, errors, meanMs] = line.split(' ');
          const counters = {
            requests: Number(requests),
            errors: Number(errors),
            meanMs: Number(meanMs),
          };
          return [id, counters] as const;
        }),
    );
  }

  /** Lines of the access log, which are then gone there, and how many were lost. */
  async takeAccess(): Promise<TakenAccess> {
    const [head = '', ...lines] = (await this.ask('POST', '/access')).trimEnd().split('\n');
    const [, answered, , lost = 0] = head.split(' ');
    return { lines, lost: Number(lost), answered: Number(answered) };
  }

  /** Requests that were answered since nginx began. */
  async answered(): Promise<number> {
    return Number((await this.ask('GET', '/access')).trim().split(' ')[1]);
  }

  /** What is served over HTTPS, a line each. */
  async readTls(): Promise<readonly string[]> {
    const [head, ...lines] = (await this.ask('GET', '/tls')).trimEnd().split('\n');
    if (head === 'tls') return lines;
    throw new RouterError('router-unreachable', 'what answers at the socket is not our nginx');
  }

  /** In order, up to the first that is refused. What is said of that has no key in it. */
  async changeTls(lines: readonly string[]): Promise<void> {
    await this.ask('POST', '/tls', lines.map((line) => `${line}\n`).join(''));
  }

  private ask(method: string, path: string, body = ''): Promise<string> {
    return new Promise((resolve, reject) => {
      const unreachable = (cause: unknown): void =>
        reject(
          new RouterError('router-unreachable', `talking to nginx at ${this.socket}`, { cause }),
        );
      const options = { socketPath: this.socket, method, path, agent: false, timeout: TIMEOUT_MS };
      const sent = request(options, (response) => {
        const chunks: string[] = [];
        response.setEncoding('utf8').on('data', (chunk: string) => chunks.push(chunk));
        response.on('error', unreachable);
        response.on('end', () => {
          const text = chunks.join('');
          if (response.statusCode === 200) resolve(text);
          else reject(refusal(response.statusCode, text));
        });
      });
      sent.on('error', unreachable);
      sent.on('timeout', () => sent.destroy(new Error('no answer')));
      sent.end(body);
    });
  }
}

const refusal = (status: number | undefined, text: string): RouterError => {
  const said = JSON.stringify(text.slice(0, 300));
  if (status === 422) return new RouterError('router-refused', `nginx refused ${said}`);
  if (status === 507) return new RouterError('router-full', `the memory of nginx is full: ${said}`);
  return new RouterError('router-unreachable', `nginx answered ${status}: ${said}`);
};
