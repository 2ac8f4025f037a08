import type { TxtAnswer, TxtRecords } from './txt-records.port.js';

/** The honest fake: names are the same in capitals. */
export class InMemoryTxtRecords implements TxtRecords {
  private readonly texts = new Map<string, readonly string[]>();
  /** For tests: nobody answers. */
  isSilent = false;

  set(name: string, ...texts: readonly string[]): void {
    this.texts.set(name.toLowerCase(), texts);
  }

  at(name: string): Promise<TxtAnswer> {
    if (this.isSilent) {
      const reason = `DNS gave no answer for ${name} (ETIMEOUT)`;
      return Promise.resolve({ kind: 'unknown', reason });
    }
    const texts = this.texts.get(name.toLowerCase()) ?? [];
    return Promise.resolve(texts.length === 0 ? { kind: 'none' } : { kind: 'found', texts });
  }
}
