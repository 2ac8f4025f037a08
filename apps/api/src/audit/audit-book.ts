import { AUDIT_ENTRIES_MAX } from '@shiplog/events';
import { AuditLedger } from './audit-ledger.js';
import {
  takeEntries,
  type AuditPage,
  type SeenOperation,
  type SeenReading,
  type SeenRefusal,
} from './audit-page.js';

const REFUSALS_OF_PERSON_MAX = 20;
const REFUSALS_OF_STRANGERS_MAX = 10;
export const REFUSALS_PER_DAY = 10_000;
export const REFUSALS_PER_DAY_EACH = 2_500;
const READS_MAX = 500;
export const READS_OF_PERSON_MAX = 100;
const READS_PER_DAY = 20_000;
const READS_PER_DAY_EACH = 5_000;
const OPERATIONS_MAX = 500;
export const OPERATIONS_OF_PERSON_MAX = 100;
const OPERATIONS_PER_DAY = 10_000;
const OPERATIONS_PER_DAY_EACH = 2_500;

/**
 * Gathers what changed nothing until it is written: the same thing again is one more, not one again. Of
 * bounded size, for all and for each caller, and costs the caller nothing: no input or output here.
 */
export class AuditBook {
  private readonly refusals = new AuditLedger<SeenRefusal>({
    waiting: AUDIT_ENTRIES_MAX,
    waitingOf: (caller) => (caller === null ? REFUSALS_OF_STRANGERS_MAX : REFUSALS_OF_PERSON_MAX),
    perDay: REFUSALS_PER_DAY,
    perDayEach: REFUSALS_PER_DAY_EACH,
  });
  private readonly reads = new AuditLedger<SeenReading>({
    waiting: READS_MAX,
    waitingOf: () => READS_OF_PERSON_MAX,
    perDay: READS_PER_DAY,
    perDayEach: READS_PER_DAY_EACH,
  });
  private readonly operations = new AuditLedger<SeenOperation>({
    waiting: OPERATIONS_MAX,
    waitingOf: () => OPERATIONS_OF_PERSON_MAX,
    perDay: OPERATIONS_PER_DAY,
    perDayEach: OPERATIONS_PER_DAY_EACH,
  });

  get isEmpty(): boolean {
    return this.refusals.isEmpty && this.reads.isEmpty && this.operations.isEmpty;
  }

  refuse(seen: SeenRefusal, at: string): void {
    const { from: _from, actor: _actor, ...what } = seen;
    this.refusals.add(what, seen, at, (known) => known);
  }

  /** Keys that the same person reads of the same app until the next commit are one entry. */
  read(seen: SeenReading, at: string): void {
    this.reads.add({ appId: seen.appId }, seen, at, (known) => ({
      ...known,
      keys: [...new Set([...known.keys, ...seen.keys])],
    }));
  }

  perform(seen: SeenOperation, at: string): void {
    const { from: _from, actor: _actor, ...what } = seen;
    this.operations.add(what, seen, at, (known) => known);
  }

  /** What the next commit tells; what there is no room for in it stays for the one after. */
  take(): AuditPage {
    const { refusals, reads, operations } = this;
    return {
      ...takeEntries({
        refusals: refusals.entries,
        reads: reads.entries,
        operations: operations.entries,
      }),
      refusalsUnlisted: refusals.takeUnlisted(),
      readsUnlisted: reads.takeUnlisted(),
      operationsUnlisted: operations.takeUnlisted(),
    };
  }
}
