import type { Later } from '../health/later.js';

/** Creating, starting, updating: the engine gets no faster with more. */
export const ENGINE_STEPS_AT_ONCE = 4;

/**
 * The engine hangs at this one: it no longer counts, so that the engine's work for others goes on. An app
 * with some of those gets no more of it, and a lane with many of them is an engine that hangs altogether.
 */
const SLOW_AFTER_MS = 5000;
const SLOW_MAX_PER_GROUP = 3;
const SLOW_MAX = 30;

/** Kinds of work beside the rounds, and how much of each runs at once. */
const LANES = {
  engine: ENGINE_STEPS_AT_ONCE,
  /** Reading logs and looking: quick. */
  look: 8,
  /** Mostly waiting for a grace period. */
  stop: 32,
  /** Mostly waiting for the program to listen. */
  probe: 500,
  pull: 2,
} as const;
export type Lane = keyof typeof LANES;

/** Lanes whose work takes long only where the engine hangs at it. */
const HANGING: ReadonlySet<Lane> = new Set(['engine', 'look']);

/** `leave` gives its place in the lane to the next one, where the rest of the work does not need it. */
export type Work = (leave: () => void) => Promise<void>;

interface Waiting {
  readonly key: string;
  readonly group: string;
  readonly work: Work;
}

/** Runs work beside the rounds: one task per key at a time, a bounded number per lane. */
export class TaskRunner {
  private readonly keys = new Set<string>();
  private readonly running = new Map<Lane, number>();
  private readonly waiting = new Map<Lane, Waiting[]>();
  /** Groups of what runs and no longer counts, because the engine hangs at it. */
  private readonly slow = new Map<Lane, string[]>();
  private readonly idle = new Set<() => void>();
  private isClosed = false;

  constructor(
    private readonly on: {
      readonly error: (key: string, error: unknown) => void;
      /** After the key is free again. */
      readonly end: () => void;
      readonly later?: Later;
    },
  ) {}

  /** False when a task of that key has not ended yet, or none is taken any more. */
  run(lane: Lane, key: string, work: Work, group = key): boolean {
    if (this.isClosed || this.keys.has(key)) return false;
    this.keys.add(key);
    const queue = this.waiting.get(lane);
    if (queue === undefined) this.waiting.set(lane, [{ key, group, work }]);
    else queue.push({ key, group, work });
    this.fill(lane);
    return true;
  }

  /** Keys of tasks that wait or run. */
  get busy(): ReadonlySet<string> {
    return this.keys;
  }

  /** Is there work that has no place yet? */
  hasWaiting(lane: Lane): boolean {
    return (this.waiting.get(lane)?.length ?? 0) > 0;
  }

  runningIn(lane: Lane): number {
    return this.running.get(lane) ?? 0;
  }

  /** Takes no more work and resolves when what had begun has ended, or after `withinMs`. */
  async close(withinMs: number): Promise<void> {
    this.isClosed = true;
    for (const list of this.waiting.values()) for (const { key } of list) this.keys.delete(key);
    this.waiting.clear();
    if (this.keys.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, withinMs);
      this.idle.add(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  private fill(lane: Lane): void {
    const queue = this.waiting.get(lane) ?? [];
    while ((this.running.get(lane) ?? 0) < LANES[lane]) {
      const [next] = queue.splice(this.firstOf(lane, queue), 1);
      if (next === undefined) return;
      this.running.set(lane, (this.running.get(lane) ?? 0) + 1);
      void this.carryOut(lane, next);
    }
  }

  /** Its index; behind the end when none may begin. */
  private firstOf(lane: Lane, queue: readonly Waiting[]): number {
    const slow = this.slow.get(lane) ?? [];
    if (slow.length === 0) return 0;
    const isHeldUp = (group: string): boolean =>
      slow.filter((other) => other === group).length >= SLOW_MAX_PER_GROUP;
    const index = queue.findIndex(({ group }) => !isHeldUp(group));
    return index < 0 ? queue.length : index;
  }

  private async carryOut(lane: Lane, { key, group, work }: Waiting): Promise<void> {
    let hasLeft = false;
    let isSlow = false;
    const slow = this.slow.get(lane) ?? [];
    this.slow.set(lane, slow);
    const free = (): void => {
      this.running.set(lane, (this.running.get(lane) ?? 1) - 1);
      this.fill(lane);
    };
    const callOff = this.on.later?.(SLOW_AFTER_MS, () => {
      if (!HANGING.has(lane) || slow.length >= SLOW_MAX) return;
      isSlow = true;
      slow.push(group);
      free();
    });
    const leave = (): void => {
      if (hasLeft) return;
      hasLeft = true;
      callOff?.();
      if (!isSlow) return free();
      slow.splice(slow.indexOf(group), 1);
      this.fill(lane);
    };
    try {
      await work(leave);
    } catch (error) {
      this.on.error(key, error);
    }
    this.keys.delete(key);
    leave();
    this.on.end();
    if (this.keys.size === 0) for (const done of this.idle) done();
  }
}
