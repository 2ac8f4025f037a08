import type { Operation, Refusal, SecretsReading } from '@shiplog/events';
import { CommitRefusedError, EventInvalidError } from '@shiplog/events/log';
import { describeError, onOwnAccount, type ProcessContext } from '@shiplog/runtime';
import { v7 as uuidv7 } from 'uuid';
import { AuditBook } from './audit-book.js';
import {
  countsOnly,
  KEYS_LISTED_MAX,
  type AuditPage,
  type SeenOperation,
  type SeenReading,
  type SeenRefusal,
} from './audit-page.js';
import { Pace } from './pace.js';
import type { Persons } from './persons.js';

interface RecorderParts {
  readonly context: Pick<ProcessContext, 'commands' | 'actor' | 'logger'>;
  readonly persons: Persons;
  /** Milliseconds of the wall clock. Default `Date.now`. */
  readonly nowMs?: () => number;
}

/** What comes together goes together. */
const GATHER_MS = 200;
const RETRY_MS = 10_000;
/** How long a stop waits for the last commit. */
const STOP_MS = 2_000;
/** So many days it can be read from where strangers called. */
const STRANGERS_DAYS = 30;
/** A platform may have been off for a while: keys of all these days before that go, too. */
const STRANGERS_DAYS_BEFORE = 400;
const DAY_MS = 24 * 60 * 60_000;

/** A page that is on its way into the log, and the id that it has however often it is tried. */
interface Pending {
  readonly page: AuditPage;
  readonly day: string;
  readonly commandId: string;
  /** The log does not take its entries, now or ever: it tells only how many they were. */
  readonly isCountsOnly: boolean;
}

/**
 * Writes down what changed nothing: refused commands, readings of config values and operations that are no change. Whoever tells it of
 * one goes on at once; what they were refused or shown depends on nothing that happens here.
 */
export class AuditRecorder {
  private readonly book = new AuditBook();
  private readonly pace = new Pace();
  private readonly nowMs: () => number;
  private pending: Pending | undefined;
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> = Promise.resolve();
  private forgottenAtMs = 0;
  private readonly hourly: NodeJS.Timeout;

  constructor(private readonly parts: RecorderParts) {
    this.nowMs = parts.nowMs ?? Date.now;
    this.hourly = setInterval(() => this.forget(), 60 * 60_000);
    this.hourly.unref();
    this.forget();
  }

  refused(seen: SeenRefusal): void {
    this.book.refuse(seen, this.now());
    this.plan(GATHER_MS);
  }

  read(seen: SeenReading): void {
    if (seen.keys.length === 0) return;
    this.book.read(seen, this.now());
    this.plan(GATHER_MS);
  }

  performed(seen: SeenOperation): void {
    this.book.perform(seen, this.now());
    this.plan(GATHER_MS);
  }

  /** Writes what was gathered, whatever the pace: a stop happens once. */
  async stop(): Promise<void> {
    clearInterval(this.hourly);
    clearTimeout(this.timer);
    this.timer = undefined;
    let patience: NodeJS.Timeout | undefined;
    const tooLong = new Promise<void>((resolve) => (patience = setTimeout(resolve, STOP_MS)));
    await Promise.race([this.writing.then(() => this.writeAll()), tooLong]);
    clearTimeout(patience);
  }

  private plan(soonestMs: number): void {
    if (this.timer !== undefined) return;
    const delayMs = Math.max(soonestMs, this.pace.waitMs(this.nowMs()));
    this.timer = setTimeout(() => {
      this.writing = this.writing.then(() => this.turn());
    }, delayMs);
    this.timer.unref();
  }

  private async turn(): Promise<void> {
    const isWritten = await this.write();
    this.timer = undefined;
    if (this.pending !== undefined || !this.book.isEmpty) {
      this.plan(isWritten ? GATHER_MS : RETRY_MS);
    }
  }

  private async writeAll(): Promise<void> {
    while (this.pending !== undefined || !this.book.isEmpty) {
      if (!(await this.write())) return;
    }
  }

  /** False when the log did not take it: the same page is tried again, so that nothing counts twice. */
  private async write(): Promise<boolean> {
    const { context } = this.parts;
    this.pace.take(this.nowMs());
    const pending = (this.pending ??= {
      page: this.book.take(),
      day: this.now().slice(0, 10),
      commandId: uuidv7(),
      isCountsOnly: false,
    });
    try {
      const { day, commandId } = pending;
      const request = { id: commandId, digest: commandId };
      await context.commands.handle('audit', day, await this.commandOf(pending), {
        ...onOwnAccount(context),
        command: request,
      });
      this.pending = undefined;
      return true;
    } catch (error) {
      context.logger.warn({ error: describeError(error) }, 'audit-not-written');
      if (!isForEver(error) || pending.isCountsOnly) return false;
      this.pending = { ...pending, page: countsOnly(pending.page), isCountsOnly: true };
      return this.write();
    }
  }

  private forget(): void {
    this.forgetStrangers().catch((error: unknown) =>
      this.parts.context.logger.warn({ error: describeError(error) }, 'strangers-not-forgotten'),
    );
  }

  private async commandOf({ page, day }: Pending) {
    return {
      type: 'RecordAudit' as const,
      refusals: await Promise.all(page.refusals.map((one) => this.refusalOf(one, day))),
      refusalsUnlisted: page.refusalsUnlisted,
      reads: await Promise.all(page.reads.map((one) => this.readingOf(one))),
      readsUnlisted: page.readsUnlisted,
      operations: await Promise.all(page.operations.map((one) => this.operationOf(one))),
      operationsUnlisted: page.operationsUnlisted,
    };
  }

  private async refusalOf(
    { from, ...seen }: AuditPage['refusals'][number],
    day: string,
  ): Promise<Refusal> {
    const { actor } = seen;
    const sealer =
      actor === null
        ? ({ kind: 'strangers', day } as const)
        : ({ kind: 'person', userId: actor.id } as const);
    return { ...seen, origin: await this.parts.persons.seal(sealer, from) };
  }

  private async readingOf({
    from,
    keys,
    ...seen
  }: AuditPage['reads'][number]): Promise<SecretsReading> {
    const sealer = { kind: 'person', userId: seen.actor.id } as const;
    return {
      ...seen,
      keys: keys.slice(0, KEYS_LISTED_MAX),
      keysUnlisted: Math.max(0, keys.length - KEYS_LISTED_MAX),
      origin: await this.parts.persons.seal(sealer, from),
    };
  }

  private async operationOf({
    from,
    ...seen
  }: AuditPage['operations'][number]): Promise<Operation> {
    const sealer = { kind: 'person', userId: seen.actor.id } as const;
    return { ...seen, origin: await this.parts.persons.seal(sealer, from) };
  }

  /** Once a day: the keys of days that have been kept long enough, and at a start of all before them. */
  private async forgetStrangers(): Promise<void> {
    const todayMs = Date.parse(this.now().slice(0, 10));
    if (todayMs === this.forgottenAtMs) return;
    const days = Math.min(STRANGERS_DAYS_BEFORE, (todayMs - this.forgottenAtMs) / DAY_MS);
    for (let n = 0; n < days; n += 1) {
      const atMs = todayMs - (STRANGERS_DAYS + n) * DAY_MS;
      await this.parts.persons.eraseStrangers(new Date(atMs).toISOString().slice(0, 10));
    }
    this.forgottenAtMs = todayMs;
  }

  private now(): string {
    return new Date(this.nowMs()).toISOString();
  }
}

/** Nothing was written, and the same page would be refused again: what comes after it must not wait for it. */
const isForEver = (error: unknown): boolean =>
  error instanceof CommitRefusedError || error instanceof EventInvalidError;
