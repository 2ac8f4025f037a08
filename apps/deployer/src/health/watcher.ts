import type { Check } from '@shiplog/events';
import type { ProbeAnswer } from '../probes/tcp.js';
import type { AskCheck } from './ask-check.js';
import type { Later } from './later.js';
import { Places } from './places.js';
import { FLAP_MS, FRESH, counted, successesNeeded, type Tally } from './tally.js';
import type { WantedWatch } from './wanted.js';

/** What came of asking, each said once per change. */
export interface WatchEvents {
  /** How the instance stands in the log; undefined when nobody wants to know any more. */
  readonly standing: (watch: WantedWatch) => Standing | undefined;
  readonly onAnswer: (watch: WantedWatch, answer: ProbeAnswer) => void;
  /** It passed a check that could not fail before. */
  readonly onArmed: (watch: WantedWatch) => Promise<void>;
  readonly onFailed: (watch: WantedWatch, got: string) => Promise<void>;
  /** An unready one has proved itself. */
  readonly onPassed: (watch: WantedWatch) => Promise<void>;
  readonly onError: (error: unknown) => void;
}

interface Standing {
  readonly isUnready: boolean;
  readonly isArmed: boolean;
}

interface WatcherOptions {
  readonly ask: AskCheck;
  readonly nowMs: () => number;
  readonly later: Later;
  /** From 0 up to 1. */
  readonly random: () => number;
}

interface Watched {
  wanted: WantedWatch;
  tally: Tally;
  cancel: () => void;
}

/** Questions over the network that are open at once; one that is answered takes a millisecond. */
const ASKED_AT_ONCE = 256;
/** Commands at once: each is a process that the engine makes. */
const COMMANDS_AT_ONCE = 4;
/** The first question of a watch comes within this time, wherever in it. */
const FIRST_MS_MAX = 1_000;
/** An answer that we read so much too late says nothing: it was we who were busy. */
const LATE_MS = 250;

/**
 * Asks everything that runs, each in its own time and beside the rounds; what changes is told. Begins at a
 * random moment of the interval, so that a thousand instances are not asked in the same millisecond.
 */
export class Watcher {
  private readonly watched = new Map<string, Watched>();
  private readonly keysOfApp = new Map<string, readonly string[]>();
  /** When an instance became unready, as far as it is not long ago. */
  private readonly flaps = new Map<string, readonly number[]>();
  private readonly network = new Places(ASKED_AT_ONCE);
  private readonly commands = new Places(COMMANDS_AT_ONCE);
  private isClosed = false;

  constructor(
    private readonly events: WatchEvents,
    private readonly options: WatcherOptions,
  ) {}

  /** What is to be watched of an app from now on; what goes on as it was is not disturbed. */
  watch(appId: string, wanted: readonly WantedWatch[]): void {
    const keys = new Set(wanted.map(keyOf));
    for (const key of this.keysOfApp.get(appId) ?? []) if (!keys.has(key)) this.forget(key);
    if (keys.size === 0) this.keysOfApp.delete(appId);
    else this.keysOfApp.set(appId, [...keys]);
    for (const one of wanted) {
      const known = this.watched.get(keyOf(one));
      if (known !== undefined && isSame(known.wanted, one)) continue;
      this.forget(keyOf(one));
      this.begin(one);
    }
  }

  close(): void {
    this.isClosed = true;
    for (const key of [...this.watched.keys()]) this.forget(key);
  }

  /** Forgets instances that are no longer in the log's memory. */
  keepOnly(isKnown: (instanceId: string) => boolean): void {
    for (const id of this.flaps.keys()) if (!isKnown(id)) this.flaps.delete(id);
  }

  private forget(key: string): void {
    this.watched.get(key)?.cancel();
    this.watched.delete(key);
  }

  private begin(wanted: WantedWatch): void {
    if (this.isClosed) return;
    const { nowMs, random } = this.options;
    const watched: Watched = { wanted, tally: FRESH, cancel: () => undefined };
    this.watched.set(keyOf(wanted), watched);
    if (wanted.check === null) return this.next(watched, 0);
    const { delayMs, intervalMs } = wanted.check;
    const restMs = Math.max(0, Date.parse(wanted.startedAt) + delayMs - nowMs());
    this.next(watched, restMs + random() * Math.min(intervalMs, FIRST_MS_MAX));
  }

  private next(watched: Watched, inMs: number): void {
    watched.cancel = this.options.later(inMs, () => void this.question(watched));
  }

  private async question(watched: Watched): Promise<void> {
    const { wanted } = watched;
    const isCurrent = (): boolean => this.watched.get(keyOf(wanted)) === watched;
    const beganMs = this.options.nowMs();
    try {
      if (wanted.check === null) await this.settle(watched, '');
      else await this.ask(watched, wanted.check, isCurrent);
    } catch (error) {
      this.events.onError(error);
    }
    if (wanted.check === null || !isCurrent()) return;
    const tookMs = this.options.nowMs() - beganMs;
    this.next(watched, Math.max(0, wanted.check.intervalMs - tookMs));
  }

  private async ask(watched: Watched, check: Check, isCurrent: () => boolean): Promise<void> {
    const { nowMs, ask } = this.options;
    const { wanted } = watched;
    let tookMs = 0;
    const places = check.kind === 'command' ? this.commands : this.network;
    const answer = await places.with(async () => {
      if (!isCurrent()) return null;
      const askedMs = nowMs();
      const got = await ask(check, wanted.target);
      tookMs = nowMs() - askedMs;
      return got;
    });
    if (answer === null || !isCurrent()) return;
    if (!answer.isReady && tookMs > check.timeoutMs + LATE_MS) return;
    watched.tally = counted(watched.tally, { isReady: answer.isReady, tookMs }, check);
    this.events.onAnswer(wanted, answer);
    await this.settle(watched, answer.got);
  }

  /** Compares what the answers come to with how the instance stands. */
  private async settle({ wanted, tally }: Watched, got: string): Promise<void> {
    const standing = this.events.standing(wanted);
    if (standing === undefined) return;
    const { check } = wanted;
    if (check === null) return await this.events.onPassed(wanted);
    if (tally.good > 0) return await this.isGood(wanted, check, { tally, standing });
    const isKnown = wanted.probe === 'readiness' && standing.isUnready;
    if (tally.bad < check.failures || !standing.isArmed || isKnown) return;
    if (wanted.probe === 'readiness') this.noteUnready(wanted.instanceId);
    await this.events.onFailed(wanted, got);
  }

  private async isGood(
    wanted: WantedWatch,
    check: Check,
    { tally, standing }: { readonly tally: Tally; readonly standing: Standing },
  ): Promise<void> {
    if (!standing.isArmed) await this.events.onArmed(wanted);
    if (wanted.probe === 'liveness' || !standing.isUnready) return;
    const needed = successesNeeded(check, this.timesUnready(wanted.instanceId));
    if (tally.good >= needed) await this.events.onPassed(wanted);
  }

  private timesUnready(instanceId: string): number {
    const sinceMs = this.options.nowMs() - FLAP_MS;
    return (this.flaps.get(instanceId) ?? []).filter((atMs) => atMs > sinceMs).length;
  }

  private noteUnready(instanceId: string): void {
    const nowMs = this.options.nowMs();
    const recent = (this.flaps.get(instanceId) ?? []).filter((atMs) => atMs > nowMs - FLAP_MS);
    this.flaps.set(instanceId, [...recent, nowMs]);
  }
}

const keyOf = ({ instanceId, probe }: WantedWatch): string => `${instanceId}:${probe}`;

const isSame = (a: WantedWatch, b: WantedWatch): boolean =>
  a.startedAt === b.startedAt &&
  JSON.stringify([a.check, a.target]) === JSON.stringify([b.check, b.target]);
