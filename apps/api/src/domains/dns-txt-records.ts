import { promises as dns } from 'node:dns';
import type { TxtAnswer, TxtRecords } from './txt-records.port.js';

const TIMEOUT_MS = 2_000;
const TRIES = 2;
const ABSENT = new Set(['ENOTFOUND', 'ENODATA']);

/** Asks the DNS servers of the machine, or the given one. */
export class DnsTxtRecords implements TxtRecords {
  private readonly resolver = new dns.Resolver({ timeout: TIMEOUT_MS, tries: TRIES });

  /** `server`: address with or without a port. */
  constructor(server?: string) {
    if (server !== undefined) this.resolver.setServers([server]);
  }

  async at(name: string): Promise<TxtAnswer> {
    try {
      const records = await this.resolver.resolveTxt(name);
      return { kind: 'found', texts: records.map((pieces) => pieces.join('')) };
    } catch (error) {
      const { code = 'unknown' } = error as NodeJS.ErrnoException;
      return ABSENT.has(code)
        ? { kind: 'none' }
        : { kind: 'unknown', reason: `DNS gave no answer for ${name} (${code})` };
    }
  }
}
