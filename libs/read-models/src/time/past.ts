import { START, type Position } from '@shiplog/events';
import type { EventLog } from '@shiplog/events/log';
import { AtUnknownError } from '../errors.js';
import { ProjectionFold } from '../fold.js';
import { PROJECTIONS } from '../projections/index.js';
import { memoryRowStore } from '../query/memory-row-store.js';
import { readModelsOver } from '../query/queries.js';
import type { ReadModels } from '../read-models.port.js';
import { breathe } from '../breathe.js';

const PAGE = 500;
const KEPT = 3;
/** A folded past is let go after this long: one of a large log is large itself. */
const KEPT_MS = 60_000;

interface Folded {
  readonly position: Position;
  readonly fold: ProjectionFold;
}

/** The read models as they were: the log folded once more, up to a position, in memory. */
export class Past {
  private readonly kept: Folded[] = [];
  private readonly underWay = new Map<Position, Promise<Folded>>();
  private release: NodeJS.Timeout | undefined;

  constructor(private readonly log: EventLog) {}

  async at(position: Position): Promise<ReadModels> {
    const { fold } = await this.folded(position);
    return readModelsOver(memoryRowStore(fold, position));
  }

  /** Lets everything go. */
  forget(): void {
    clearTimeout(this.release);
    this.kept.length = 0;
  }

  private folded(position: Position): Promise<Folded> {
    const known = this.kept.find((folded) => folded.position === position);
    if (known !== undefined) return Promise.resolve(known);
    const running = this.underWay.get(position);
    if (running !== undefined) return running;
    const started = this.fold(position).finally(() => this.underWay.delete(position));
    this.underWay.set(position, started);
    return started;
  }

  private async fold(position: Position): Promise<Folded> {
    const head = await this.log.head();
    if (this.log.compare(position, head) > 0) {
      throw new AtUnknownError(`position ${Number(position)} is beyond the end of the log`);
    }
    const nearest = this.kept
      .filter((folded) => this.log.compare(folded.position, position) < 0)
      .reduce<Folded | undefined>(
        (best, next) =>
          best === undefined || this.log.compare(next.position, best.position) > 0 ? next : best,
        undefined,
      );
    const fold = nearest?.fold.copy() ?? ProjectionFold.inMemory(PROJECTIONS);
    await this.foldOn(fold, nearest?.position ?? START, position);
    return this.keep({ position, fold });
  }

  private async foldOn(fold: ProjectionFold, from: Position, to: Position): Promise<void> {
    let at = from;
    while (this.log.compare(at, to) < 0) {
      const page = await this.log.readAfter(at, PAGE);
      const wanted = page.filter((record) => this.log.compare(record.position, to) <= 0);
      const last = wanted.at(-1);
      if (last === undefined) break;
      fold.apply(wanted);
      at = last.position;
      await breathe();
    }
  }

  private keep(folded: Folded): Folded {
    this.kept.push(folded);
    if (this.kept.length > KEPT) this.kept.shift();
    clearTimeout(this.release);
    this.release = setTimeout(() => this.forget(), KEPT_MS).unref();
    return folded;
  }
}
