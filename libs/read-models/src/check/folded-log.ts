import { START, type Position, type Sequence } from '@shiplog/events';
import { breathe } from '../breathe.js';
import type { ModelName } from '../documents.js';
import { ModelParkedError } from '../errors.js';
import { ProjectionFold } from '../fold.js';
import type { AnyProjection } from '../projection.js';
import { PROJECTIONS } from '../projections/index.js';
import type { DumpRow } from '../query/row-store.js';
import type { PastLog } from '../time/past-log.js';
import { byText, differencesOf, type DocumentDifference } from './differences.js';

const PAGE = 1_000;
/** The log may lag behind what was read of it elsewhere. */
const LAG_MS = 10_000;

/** A model that this code cannot make, and the event at which it fails. */
export interface ModelFailure {
  readonly model: ModelName;
  readonly sequence: Sequence;
  readonly problem: string;
}

export interface Comparison {
  readonly documents: number;
  readonly differences: readonly DocumentDifference[];
  readonly failures: readonly ModelFailure[];
}

/** The whole log folded by this code, in memory, beside everything that runs. */
export class FoldedLog {
  private readonly fold: ProjectionFold;
  private at: Position = START;

  constructor(
    private readonly log: PastLog,
    private readonly projections: readonly AnyProjection[] = PROJECTIONS,
  ) {
    this.fold = ProjectionFold.inMemory(projections);
  }

  /** Folds on to here. `tell` is called now and then with where it is. */
  async foldTo(
    until: Position,
    tell: (at: Position) => void = () => undefined,
    lagMs = LAG_MS,
  ): Promise<void> {
    let deadline = performance.now() + lagMs;
    while (this.log.compare(this.at, until) < 0) {
      const page = await this.log.readAfter(this.at, PAGE);
      const wanted = page.filter(({ position }) => this.log.compare(position, until) <= 0);
      const last = wanted.at(-1);
      if (last === undefined) {
        if (performance.now() > deadline) {
          throw new Error(`the log ends at ${Number(this.at)}, before ${Number(until)}`);
        }
        await breathe();
        continue;
      }
      deadline = performance.now() + lagMs;
      this.fold.apply(wanted);
      this.at = last.position;
      tell(this.at);
      await breathe();
    }
  }

  /** Compares with what is served: the lines of a canonical dump at the same position. */
  async compare(dump: AsyncIterable<string> | Iterable<string>): Promise<Comparison> {
    const left = new Map<string, Map<string, object>>();
    const failures: ModelFailure[] = [];
    for (const { model } of this.projections) {
      const made = this.documentsOf(model);
      if (made instanceof ModelParkedError) {
        failures.push({ model, sequence: made.sequence, problem: made.problem });
      } else {
        left.set(model, made);
      }
    }
    const failed = new Set<string>(failures.map(({ model }) => model));
    const differences: DocumentDifference[] = [];
    let documents = 0;
    for await (const line of dump) {
      const { model, key, document } = JSON.parse(line) as DumpRow;
      documents += 1;
      if (failed.has(model)) continue;
      differences.push(...differencesOf({ model, key }, document, left.get(model)?.get(key)));
      left.get(model)?.delete(key);
    }
    for (const [model, made] of left) {
      for (const [key, document] of made) {
        differences.push(...differencesOf({ model, key }, undefined, document));
      }
    }
    const sorted = differences.toSorted(
      (a, b) =>
        byText(a.model, b.model) || byText(a.key, b.key) || byText(a.field ?? '', b.field ?? ''),
    );
    return { documents, differences: sorted, failures };
  }

  private documentsOf(model: ModelName): Map<string, object> | ModelParkedError {
    try {
      return new Map(
        [...this.fold.rows(model).documents()].map(([key, { value }]) => [key, value] as const),
      );
    } catch (error) {
      if (error instanceof ModelParkedError) return error;
      throw error;
    }
  }
}
