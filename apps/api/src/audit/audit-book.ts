import { AUDIT_ENTRIES_MAX } from '@shiplog/events';
import {
  takeEntries,
  type AuditPage,
  type GatheredOperation,
  type GatheredReading,
  type GatheredRefusal,
  type SeenOperation,
  type SeenReading,
  type SeenRefusal,
} from './audit-page.js';

/** Different refusals of one person until the next commit; more are only counted. */
const PER_PERSON_MAX = 20;
/** The same for all callers together that nobody knows. */
const STRANGERS_MAX = 10;
const READS_MAX = 500;
/** An attack that lasts all day must not fill the log either. */
export const REFUSALS_PER_DAY = 10_000;
/** Nor may one caller use up the day of the others; strangers are one caller here. */
export const REFUSALS_PER_DAY_EACH = 2_500;
const READS_PER_DAY = 20_000;
const OPERATIONS_MAX = 500;
const OPERATIONS_PER_DAY = 10_000;

/**
 * Gathers what changed nothing until it is written: the same thing again is one more, not one again. Of
 * bounded size, and costs the caller nothing: no input or output here.
 */
export class AuditBook {
  private readonly refusals = new Map<string, GatheredRefusal>();
  private readonly reads = new Map<string, GatheredReading>();
  private refusalsUnlisted = 0;
  private readsUnlisted = 0;
  private readonly operations = new Map<string, GatheredOperation>();
  private operationsUnlisted = 0;
  private readonly listed = {
    day: '',
    refusals: 0,
    reads: 0,
    operations: 0,
    of: new Map<string | null, number>(),
  };

  get isEmpty(): boolean {
    const listed = this.refusals.size + this.reads.size + this.operations.size;
    return listed + this.refusalsUnlisted + this.readsUnlisted + this.operationsUnlisted === 0;
  }

  refuse(seen: SeenRefusal, at: string): void {
    const { from, actor, ...what } = seen;
    const key = JSON.stringify([what, actor?.id, from]);
    const known = this.refusals.get(key);
    if (known !== undefined) {
      this.refusals.set(key, { ...known, count: known.count + 1, lastAt: at });
    } else if (this.hasRoomFor(seen, at)) {
      this.listed.refusals += 1;
      this.listed.of.set(callerOf(seen), this.listedOf(seen) + 1);
      this.refusals.set(key, { ...seen, count: 1, firstAt: at, lastAt: at });
    } else {
      this.refusalsUnlisted += 1;
    }
  }

  /** Keys that the same person reads of the same app until the next commit are one entry. */
  read(seen: SeenReading, at: string): void {
    const key = JSON.stringify([seen.appId, seen.actor.id, seen.from]);
    const known = this.reads.get(key);
    this.turnTo(at);
    if (known !== undefined) {
      const keys = [...new Set([...known.keys, ...seen.keys])];
      this.reads.set(key, { ...known, keys, count: known.count + 1, lastAt: at });
    } else if (this.reads.size < READS_MAX && this.listed.reads < READS_PER_DAY) {
      this.listed.reads += 1;
      this.reads.set(key, { ...seen, count: 1, firstAt: at, lastAt: at });
    } else {
      this.readsUnlisted += 1;
    }
  }

  /** The same operation again until the next commit is one more. */
  perform(seen: SeenOperation, at: string): void {
    const key = JSON.stringify(seen);
    const known = this.operations.get(key);
    this.turnTo(at);
    if (known !== undefined) {
      this.operations.set(key, { ...known, count: known.count + 1, lastAt: at });
    } else if (
      this.operations.size < OPERATIONS_MAX &&
      this.listed.operations < OPERATIONS_PER_DAY
    ) {
      this.listed.operations += 1;
      this.operations.set(key, { ...seen, count: 1, firstAt: at, lastAt: at });
    } else {
      this.operationsUnlisted += 1;
    }
  }

  /** What the next commit tells; what there is no room for in it stays for the one after. */
  take(): AuditPage {
    const page = {
      ...takeEntries({ refusals: this.refusals, reads: this.reads, operations: this.operations }),
      refusalsUnlisted: this.refusalsUnlisted,
      readsUnlisted: this.readsUnlisted,
      operationsUnlisted: this.operationsUnlisted,
    };
    this.operationsUnlisted = 0;
    this.refusalsUnlisted = 0;
    this.readsUnlisted = 0;
    return page;
  }

  private hasRoomFor(seen: SeenRefusal, at: string): boolean {
    this.turnTo(at);
    if (this.refusals.size >= AUDIT_ENTRIES_MAX) return false;
    if (this.listed.refusals >= REFUSALS_PER_DAY) return false;
    if (this.listedOf(seen) >= REFUSALS_PER_DAY_EACH) return false;
    const caller = callerOf(seen);
    const ofTheirs = [...this.refusals.values()].filter((one) => callerOf(one) === caller);
    return ofTheirs.length < (caller === null ? STRANGERS_MAX : PER_PERSON_MAX);
  }

  private listedOf(seen: SeenRefusal): number {
    return this.listed.of.get(callerOf(seen)) ?? 0;
  }

  private turnTo(at: string): void {
    const day = at.slice(0, 10);
    if (day === this.listed.day) return;
    Object.assign(this.listed, { day, refusals: 0, reads: 0, operations: 0, of: new Map() });
  }
}

const callerOf = ({ actor }: SeenRefusal): string | null => actor?.id ?? null;
