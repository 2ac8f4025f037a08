import { createHmac, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { challengeName, type DomainLook } from '@shiplog/domain';
import { parseDomain } from '@shiplog/events';
import { createFile } from '@shiplog/secrets';
import type { TxtRecords } from './txt-records.port.js';

export interface ChallengeRecord {
  readonly name: string;
  readonly value: string;
}

/** Does DNS say that a domain is a team's? */
export class Ownership {
  private constructor(
    private readonly key: Buffer,
    private readonly records: TxtRecords,
  ) {}

  /** Makes the key where there is none. Values of another key are not found any more. */
  static async open(keyFile: string, records: TxtRecords): Promise<Ownership> {
    await createFile(keyFile, `${randomBytes(32).toString('hex')}\n`);
    const text = (await readFile(keyFile, 'utf8')).trim();
    if (!/^[0-9a-f]{64}$/.test(text)) {
      throw new Error(`${keyFile} is not the key of domain checks: 64 hexadecimal digits`);
    }
    return new Ownership(Buffer.from(text, 'hex'), records);
  }

  /** The TXT record by which this team proves it. The same again, whoever asks. */
  recordOf(domain: string, teamId: string): ChallengeRecord {
    const base = parseDomain(domain)?.base ?? domain;
    const mac = createHmac('sha256', this.key).update(`${teamId}\0${base}`).digest('base64url');
    return { name: challengeName(domain), value: `shiplog-verify=${mac}` };
  }

  /** `unknown`: DNS did not say, so that nobody may lose anything by it. */
  async look(
    domain: string,
    teamId: string,
    now: Date,
  ): Promise<DomainLook & { readonly isKnown: boolean }> {
    const { name, value } = this.recordOf(domain, teamId);
    const answer = await this.records.at(name);
    const at = now.toISOString();
    if (answer.kind === 'unknown') {
      return { outcome: 'failed', reason: answer.reason.slice(0, 300), at, isKnown: false };
    }
    if (answer.kind === 'found' && answer.texts.includes(value)) {
      return { outcome: 'verified', reason: null, at, isKnown: true };
    }
    const count = answer.kind === 'found' ? answer.texts.length : 0;
    const reason =
      count === 0
        ? `there is no TXT record at ${name}`
        : `none of the ${count} TXT records at ${name} has the value of this team`;
    return { outcome: 'failed', reason: reason.slice(0, 300), at, isKnown: true };
  }
}
