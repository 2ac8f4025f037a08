import type { Gathered, Seen } from './audit-page.js';

export interface LedgerLimits {
  /** Different ones that wait for a commit, and so many of one caller; more are only counted. */
  readonly waiting: number;
  readonly waitingOf: (caller: string | null) => number;
  /** An attack that lasts all day must not fill the log, and one caller must not use up the day of the others. */
  readonly perDay: number;
  readonly perDayEach: number;
}

/** Gathers one kind of what changed nothing. Callers whom nobody knows are one caller here. */
export class AuditLedger<T extends Seen> {
  readonly entries = new Map<string, T & Gathered>();
  private unlisted = 0;
  private day = '';
  private listed = 0;
  private readonly listedOf = new Map<string | null, number>();

  constructor(private readonly limits: LedgerLimits) {}

  get isEmpty(): boolean {
    return this.entries.size + this.unlisted === 0;
  }

  /**
   * `what` names the same thing. The user agent is no part of it: callers make it up, and could make as
   * many entries of one thing as they like.
   */
  add(what: object, seen: T, at: string, joined: (known: T & Gathered) => T & Gathered): void {
    this.turnTo(at);
    const { tokenId, address } = seen.from;
    const key = JSON.stringify([what, callerOf(seen), tokenId, address]);
    const known = this.entries.get(key);
    if (known !== undefined) {
      this.entries.set(key, { ...joined(known), count: known.count + 1, lastAt: at });
    } else if (this.hasRoomFor(callerOf(seen))) {
      this.listed += 1;
      this.listedOf.set(callerOf(seen), (this.listedOf.get(callerOf(seen)) ?? 0) + 1);
      this.entries.set(key, { ...seen, count: 1, firstAt: at, lastAt: at });
    } else {
      this.unlisted += 1;
    }
  }

  /** How many are in no entry, since it was asked the last time. */
  takeUnlisted(): number {
    const { unlisted } = this;
    this.unlisted = 0;
    return unlisted;
  }

  private hasRoomFor(caller: string | null): boolean {
    const { waiting, waitingOf, perDay, perDayEach } = this.limits;
    if (this.entries.size >= waiting || this.listed >= perDay) return false;
    if ((this.listedOf.get(caller) ?? 0) >= perDayEach) return false;
    const ofTheirs = [...this.entries.values()].filter((one) => callerOf(one) === caller);
    return ofTheirs.length < waitingOf(caller);
  }

  private turnTo(at: string): void {
    const day = at.slice(0, 10);
    if (day === this.day) return;
    this.day = day;
    this.listed = 0;
    this.listedOf.clear();
  }
}

const callerOf = ({ actor }: Seen): string | null => actor?.id ?? null;
