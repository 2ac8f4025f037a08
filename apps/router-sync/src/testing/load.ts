import { Agent } from 'node:http';
import { ask } from './client.js';
import type { Ledger } from './test-instance.js';

export interface LoadReport {
  readonly answered: number;
  /** Not 2xx, reset or timed out, answered by another app; a POST carried out twice or never. */
  readonly failed: readonly string[];
}

export interface LoadOptions {
  readonly port: number;
  readonly host: string;
  readonly ledger: Ledger;
  /** Is an answer of this instance right for this host? */
  readonly isOurs: (instance: string) => boolean;
}

const CONNECTIONS = 32;
const PAUSE_MS = 100;

/**
 * Requests as architecture §9 describes them: 32 clients, every other one with keep-alive, one request
 * in five a POST with a ledger entry, one in forty slow. `stop` waits for the last answer.
 */
export const startLoad = ({ port, host, ledger, isOurs }: LoadOptions) => {
  const failed: string[] = [];
  let answered = 0;
  let count = 0;
  let isStopping = false;

  const one = async (agent: Agent | undefined): Promise<void> => {
    count += 1;
    const n = count;
    const key = `key-${n}`;
    const method = n % 5 === 0 ? 'POST' : 'GET';
    const path = n % 40 === 0 ? '/slow?ms=2000' : '/';
    const about = `${method} ${path}`;
    try {
      const headers = { 'x-key': key };
      const answer = await ask(port, {
        host,
        path,
        method,
        headers,
        ...(agent === undefined ? {} : { agent }),
      });
      answered += 1;
      if (answer.status !== 200) failed.push(`${about}: ${answer.status} ${answer.body}`);
      else if (!isOurs(answer.body)) failed.push(`${about}: answered by ${answer.body}`);
      if (method === 'POST' && ledger.get(key) !== 1) {
        failed.push(`${about}: carried out ${ledger.get(key) ?? 0} times`);
      }
    } catch (error) {
      failed.push(`${about}: ${String(error)}`);
    }
  };
  const client = async (index: number): Promise<void> => {
    const agent = index % 2 === 0 ? new Agent({ keepAlive: true, maxSockets: 1 }) : undefined;
    while (!isStopping) {
      await one(agent);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    agent?.destroy();
  };
  const clients = Array.from({ length: CONNECTIONS }, (_, i) => client(i));
  return {
    answered: (): number => answered,
    stop: async (): Promise<LoadReport> => {
      isStopping = true;
      await Promise.all(clients);
      return { answered, failed };
    },
  };
};
