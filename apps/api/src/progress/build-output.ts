import type { Bus } from '@shiplog/bus';
import { z } from 'zod';

const lines = z.object({
  lines: z.array(z.object({ n: z.number().int().nonnegative(), text: z.string() })),
});
type Line = z.infer<typeof lines>['lines'][number];

/** The builder answers at once or not at all. */
const CATCH_UP_TIMEOUT_MS = 2_000;

/**
 * What a build prints, each line once and in order. Lines come as telemetry, at most once; holes, the
 * beginning and the end are filled from what the builder keeps. Lines are numbered from 1.
 */
export class BuildOutput {
  private readonly early = new Map<number, string>();
  private ready: string[] = [];
  private last = 0;
  private readonly unsubscribe: () => void;

  constructor(
    private readonly bus: Bus,
    private readonly buildId: string,
    wake: () => void,
  ) {
    this.unsubscribe = bus.listen('builder', `output.${buildId}`, (data) => {
      const parsed = lines.safeParse(data);
      if (!parsed.success) return;
      this.accept(parsed.data.lines);
      wake();
    });
  }

  /** The lines that follow the last one taken without a hole. */
  take(): readonly string[] {
    const taken = this.ready;
    this.ready = [];
    return taken;
  }

  /** Lines have come that are behind a hole. */
  get hasHole(): boolean {
    return this.early.size > 0;
  }

  /** Asks the builder for what it keeps. When it does not answer, what has come is all there is. */
  async catchUp(): Promise<void> {
    for (;;) {
      const asked = this.last;
      const answer = await this.bus
        .request(
          'builder',
          'output',
          { buildId: this.buildId, after: asked },
          { timeoutMs: CATCH_UP_TIMEOUT_MS },
        )
        .catch(() => undefined);
      const parsed = lines.safeParse(answer);
      if (!parsed.success) return;
      this.accept(parsed.data.lines);
      // Long output comes in pages: an answer that brought nothing new is the last one, and what it
      // does not fill will stay a hole (a full disk keeps no lines).
      if (this.last === asked) return this.flush();
    }
  }

  /** Gives up on holes: what is behind them is better than nothing. */
  flush(): void {
    const rest = [...this.early].toSorted(([a], [b]) => a - b);
    this.early.clear();
    for (const [n, text] of rest) this.push(n, text);
  }

  close(): void {
    this.unsubscribe();
  }

  private accept(received: readonly Line[]): void {
    for (const { n, text } of received) if (n > this.last) this.early.set(n, text);
    for (;;) {
      const n = this.last + 1;
      const text = this.early.get(n);
      if (text === undefined) return;
      this.early.delete(n);
      this.push(n, text);
    }
  }

  private push(n: number, text: string): void {
    this.ready.push(text);
    this.last = n;
  }
}
