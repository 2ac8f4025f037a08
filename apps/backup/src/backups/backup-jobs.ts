import { describeError } from '@shiplog/runtime';

/** One line of news about a backup on its way; the last one is `done` or `failed`. */
export interface JobLine {
  readonly kind: 'step' | 'done' | 'failed';
  readonly text: string;
  /** ISO 8601. */
  readonly at: string;
}

const JOBS_KEPT = 20;

/** What the newest runs said, for those who watch: forgotten with this process, as all telemetry. */
export class BackupJobs {
  private readonly jobs = new Map<string, JobLine[]>();
  private turn: Promise<unknown> = Promise.resolve();

  constructor(private readonly now: () => number) {}

  /** Runs one after the other. `work` says what it does; how it ended is its last line. */
  run(name: string, work: (onStep: (text: string) => void) => Promise<string>): Promise<void> {
    const lines: JobLine[] = [];
    this.jobs.set(name, lines);
    for (const old of [...this.jobs.keys()].slice(0, -JOBS_KEPT)) this.jobs.delete(old);
    const say = (kind: JobLine['kind'], text: string): void => {
      lines.push({ kind, text, at: new Date(this.now()).toISOString() });
    };
    const run = this.turn
      .then(() => work((text) => say('step', text)))
      .then(
        (text) => say('done', text),
        (error: unknown) => say('failed', describeError(error)),
      );
    this.turn = run;
    return run;
  }

  isRunning(name: string): boolean {
    const last = this.jobs.get(name)?.at(-1);
    return this.jobs.has(name) && last?.kind !== 'done' && last?.kind !== 'failed';
  }

  /** Lines from the given one on; undefined for a run that this process knows nothing of. */
  lines(name: string, from: number): readonly JobLine[] | undefined {
    return this.jobs.get(name)?.slice(from);
  }

  /** When everything that was begun has ended. */
  async idle(): Promise<void> {
    await this.turn;
  }
}
