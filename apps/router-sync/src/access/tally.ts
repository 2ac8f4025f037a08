/** Of all processes of a proxy that were read. */
export interface Counted {
  /** Requests that the proxy itself counted as answered, since we read its lines. */
  readonly answered: number;
  /** Of them, those of which no line was read; those being answered among them. */
  readonly missing: number;
}

interface Entry {
  /** Answered before its lines were read; undefined until it is known. */
  before: number | undefined;
  answered: number;
  lines: number;
}

/**
 * What processes of a proxy counted, against the lines that were read of each. Each has a count of its own: a reload has a
 * new one begin from 0 while an old one still answers, and lines of the one say nothing of requests of the other.
 */
export class Tally {
  private readonly entries = new Map<string, Entry>();
  private ended: Counted = { answered: 0, missing: 0 };

  /** `isFromItsBeginning`: all lines that it writes are read; else those from now on. Who is known already goes on. */
  begin(process: string, isFromItsBeginning: boolean): void {
    if (this.entries.has(process)) return;
    const before = isFromItsBeginning ? 0 : undefined;
    this.entries.set(process, { before, answered: before ?? 0, lines: 0 });
  }

  line(process: string): void {
    const entry = this.entries.get(process);
    if (entry !== undefined) entry.lines += 1;
  }

  /** `count`: since it began. One that counts less than before began anew. */
  answered(process: string, count: number): void {
    const entry = this.entries.get(process);
    if (entry === undefined) return;
    if (entry.before === undefined) {
      Object.assign(entry, { before: count, answered: count, lines: 0 });
    } else if (count < entry.answered) {
      this.end(process);
      this.begin(process, true);
      this.answered(process, count);
    } else entry.answered = count;
  }

  /** All but these are no more: what they answered last is final. */
  keep(processes: ReadonlySet<string>): void {
    for (const process of this.entries.keys()) if (!processes.has(process)) this.end(process);
  }

  get counted(): Counted {
    return [...this.entries.values()].reduce(
      (all, entry) => sum(all, countedIn(entry)),
      this.ended,
    );
  }

  private end(process: string): void {
    const entry = this.entries.get(process);
    if (entry !== undefined) this.ended = sum(this.ended, countedIn(entry));
    this.entries.delete(process);
  }
}

const countedIn = ({ before = 0, answered, lines }: Entry): Counted => ({
  answered: answered - before,
  // A line may be read before the count that has its request.
  missing: Math.max(0, answered - before - lines),
});

const sum = (a: Counted, b: Counted): Counted => ({
  answered: a.answered + b.answered,
  missing: a.missing + b.missing,
});
