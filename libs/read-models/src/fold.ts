import { aggregateOf, toSequence, type RecordedCommit } from '@shiplog/events';
import type { ModelName } from './documents.js';
import { ModelParkedError, ProjectionFailedError } from './errors.js';
import { reasonOf } from './failure.js';
import type { AnyProjection, Envelope, EventNamed, EventType } from './projection.js';
import { isMemoryKey, memoryKey, WorkingRows } from './working-rows.js';

interface Lane {
  readonly projection: AnyProjection;
  readonly rows: WorkingRows;
}

type NeededByModel = ReadonlyMap<ModelName, ReadonlySet<string>>;

/** Several projections folded over the same commits. */
export class ProjectionFold {
  private readonly lanes: readonly Lane[];
  private readonly lanesOf = new Map<EventType, Lane[]>();

  private constructor(
    readonly projections: readonly AnyProjection[],
    private readonly rowsOf: ReadonlyMap<ModelName, WorkingRows>,
    /** Those that could not be folded on and are left out. Undefined: a failure ends the whole fold. */
    private readonly leftOut?: Map<ModelName, ProjectionFailedError>,
  ) {
    this.lanes = projections.map((projection) => ({
      projection,
      rows: this.rows(projection.model),
    }));
    for (const lane of this.lanes) {
      for (const type of lane.projection.events) {
        this.lanesOf.set(type, [...(this.lanesOf.get(type) ?? []), lane]);
      }
    }
  }

  /**
   * Over nothing: everything the commits make stays at hand. A model that cannot be made is left out, and
   * asking for it is refused.
   */
  static inMemory(projections: readonly AnyProjection[]): ProjectionFold {
    return new ProjectionFold(
      projections,
      new Map(projections.map(({ model }) => [model, new WorkingRows(true)])),
      new Map(),
    );
  }

  /** Over rows that lie elsewhere: see `missing`. Throws `ProjectionFailedError`. */
  static overStore(projections: readonly AnyProjection[]): ProjectionFold {
    return new ProjectionFold(
      projections,
      new Map(projections.map(({ model }) => [model, new WorkingRows(false)])),
    );
  }

  rows(model: ModelName): WorkingRows {
    const rows = this.rowsOf.get(model);
    if (rows === undefined) throw new Error(`no projection makes ${model}`);
    const failure = this.leftOut?.get(model);
    if (failure?.at != null)
      throw new ModelParkedError(model, failure.at.sequence, failure.problem);
    return rows;
  }

  copy(): ProjectionFold {
    return new ProjectionFold(
      this.projections,
      new Map([...this.rowsOf].map(([model, rows]) => [model, rows.copy()])),
      this.leftOut === undefined ? undefined : new Map(this.leftOut),
    );
  }

  /** Stored keys of the rows that a batch reads, by model. */
  needed(batch: readonly RecordedCommit[]): NeededByModel {
    const needed = new Map<ModelName, Set<string>>();
    for (const { position, commit } of batch) {
      commit.events.forEach((event, index) => {
        for (const lane of this.lanesOf.get(event.type) ?? []) {
          const { model } = lane.projection;
          const keys = needed.get(model) ?? new Set();
          needed.set(model, keys);
          try {
            addKeys(lane, event, keys);
          } catch (cause) {
            throw failureOf(model, { position, sequence: toSequence(position, index) }, cause);
          }
        }
      });
    }
    return needed;
  }

  /** Keys of documents that loaded memories lead to. */
  behind(needed: NeededByModel): NeededByModel {
    const behind = new Map<ModelName, Set<string>>();
    for (const { projection, rows } of this.lanes) {
      if (projection.behind === undefined) continue;
      const memories = [...(needed.get(projection.model) ?? [])]
        .filter(isMemoryKey)
        .map((key) => rows.peek(key))
        .filter((memory) => memory !== undefined);
      behind.set(
        projection.model,
        new Set(memories.flatMap((memory) => projection.behind?.(memory) ?? [])),
      );
    }
    return behind;
  }

  /** Those that have to be loaded before `apply`. */
  missing(needed: NeededByModel): Map<ModelName, string[]> {
    const missing = new Map<ModelName, string[]>();
    for (const [model, keys] of needed) {
      const ofModel = this.rows(model).missing(keys);
      if (ofModel.length > 0) missing.set(model, ofModel);
    }
    return missing;
  }

  apply(batch: readonly RecordedCommit[]): void {
    for (const record of batch) {
      record.commit.events.forEach((event, index) => {
        const lanes = this.lanesOf.get(event.type);
        if (lanes === undefined) return;
        const at = envelopeOf(record, index);
        for (const { projection, rows } of lanes) {
          if (this.leftOut?.has(projection.model) === true) continue;
          rows.moveTo(at.sequence);
          try {
            projection.evolve(rows as never, event, at);
          } catch (cause) {
            this.fail(failureOf(projection.model, at, cause));
          }
        }
      });
    }
  }

  private fail(failure: ProjectionFailedError): void {
    if (this.leftOut === undefined) throw failure;
    this.leftOut.set(failure.model, failure);
  }
}

const failureOf = (
  model: ModelName,
  { position, sequence }: Pick<Envelope, 'position' | 'sequence'>,
  cause: unknown,
): ProjectionFailedError =>
  new ProjectionFailedError(model, { position, sequence }, reasonOf(cause), { cause });

/** A row that the event makes, and that nothing in the batch asked for before, is known not to exist. */
const addKeys = (
  { projection, rows }: Lane,
  event: EventNamed<EventType>,
  keys: Set<string>,
): void => {
  const { fresh = [], documents = [], memories = [] } = projection.needs(event);
  for (const key of fresh) {
    if (!keys.has(key)) rows.assumeAbsent(key);
    keys.add(key);
  }
  for (const key of documents) keys.add(key);
  for (const key of memories) keys.add(memoryKey(key));
};

const envelopeOf = (
  { position, revision, commit }: RecordedCommit,
  eventIndex: number,
): Envelope => ({
  position,
  sequence: toSequence(position, eventIndex),
  aggregate: aggregateOf(commit.stream),
  revision,
  time: commit.time,
  by: commit.actor.name,
  byProcess: commit.actor.kind === 'process',
  reason: commit.reason,
});
