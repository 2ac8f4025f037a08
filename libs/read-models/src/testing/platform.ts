import { CommandHandler, worldFold, type CommandContext } from '@shiplog/commands';
import { World, type CommandByAggregate } from '@shiplog/domain';
import type { Actor, Aggregate } from '@shiplog/events';
import { InMemoryEventLog, LogFeed, type EventLog } from '@shiplog/events/log';

/** Numbers between 0 and 1 that depend on nothing but the seed (mulberry32). */
export const seededRandom = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
};

export const ANN: Actor = { kind: 'user', id: 'user-ann', name: 'ann' };
export const BOB: Actor = { kind: 'user', id: 'user-bob', name: 'bob' };
const REASONS = [null, 'fix the "login" page', 'Größe ↑\n2nd line', 'nul \u0000 and tab \t', '🚢'];

/** A person, with the words people give for their reasons. */
export const someone = (random: () => number) => ({
  actor: random() < 0.7 ? ANN : BOB,
  reason: REASONS[Math.floor(random() * REASONS.length)] ?? null,
});

export const asProcess = (id: string): Actor => ({ kind: 'process', id, name: id });

/**
 * A log with the deciders in front of it and a clock of its own: equal calls make equal logs. Every
 * command must be accepted: a history that the domain refuses is no test data.
 */
export class RecordedPlatform {
  private nowMs: number;
  private ids = 0;
  private readonly commands: CommandHandler;

  private constructor(
    readonly log: EventLog,
    readonly feed: LogFeed,
    readonly world: World,
    startMs: number,
  ) {
    this.nowMs = startMs;
    this.commands = new CommandHandler({
      log,
      feed,
      world,
      now: () => new Date(this.nowMs),
      newId: () => this.newId(),
    });
  }

  static async start(
    log: EventLog = new InMemoryEventLog(),
    startAt = '2026-11-01T08:00:00.000Z',
  ): Promise<RecordedPlatform> {
    const world = new World();
    const feed = new LogFeed(log).add(worldFold(world, 'testing'));
    await feed.start();
    return new RecordedPlatform(log, feed, world, Date.parse(startAt));
  }

  /** Moves the clock on. */
  pass(ms: number): void {
    this.nowMs += ms;
  }

  async do<A extends Aggregate>(
    aggregate: A,
    id: string,
    command: CommandByAggregate[A],
    context: CommandContext = { actor: ANN },
  ): Promise<void> {
    this.pass(1 + (this.ids % 7));
    const result = await this.commands.handle(aggregate, id, command, context);
    if (result.outcome !== 'accepted') {
      throw new Error(
        `${aggregate} ${id} refused ${JSON.stringify(command)}: ${JSON.stringify(result)}`,
      );
    }
    await this.feed.reach(result.position);
  }

  stop(): Promise<void> {
    return this.feed.stop();
  }

  /** Shaped like the UUIDv7 of a real commit, and the same in every run. */
  private newId(): string {
    this.ids += 1;
    const hex = this.ids.toString(16).padStart(12, '0');
    return `01930000-0000-7000-8000-${hex}`;
  }
}
