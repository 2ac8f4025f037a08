/** Creating, starting, updating: the engine gets no faster with more. */
export const ENGINE_STEPS_AT_ONCE = 4;

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

/** `leave` gives its place in the lane to the next one, where the rest of the work does not need it. */
export type Work = (leave: () => void) => Promise<void>;

interface Waiting {
  readonly key: string;
  readonly work: Work;
}

/** Runs work beside the rounds: one task per key at a time, a bounded number per lane. */
export class TaskRunner {
  private readonly keys = new Set<string>();
  private readonly running = new Map<Lane, number>();
  private readonly waiting = new Map<Lane, Waiting[]>();
  private readonly idle = new Set<() => void>();
  private isClosed = false;

  constructor(
    private readonly on: {
      readonly error: (key: string, error: unknown) => void;
      /** After the key is free again. */
      readonly end: () => void;
    },
  ) {}

  /** False when a task of that key has not ended yet, or none is taken any more. */
  run(lane: Lane, key: string, work: Work): boolean {
    if (this.isClosed || this.keys.has(key)) return false;
    this.keys.add(key);
    const queue = this.waiting.get(lane);
    if (queue === undefined) this.waiting.set(lane, [{ key, work }]);
    else queue.push({ key, work });
    this.fill(lane);
    return true;
  }

  /** Keys of tasks that wait or run. */
  get busy(): ReadonlySet<string> {
    return this.keys;
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
      const next = queue.shift();
      if (next === undefined) return;
      this.running.set(lane, (this.running.get(lane) ?? 0) + 1);
      void this.carryOut(lane, next);
    }
  }

  private async carryOut(lane: Lane, { key, work }: Waiting): Promise<void> {
    let hasLeft = false;
    const leave = (): void => {
      if (hasLeft) return;
      hasLeft = true;
      this.running.set(lane, (this.running.get(lane) ?? 1) - 1);
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
