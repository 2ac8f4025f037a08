import { aggregateOf, toSequence, type RecordedCommit } from '@shiplog/events';
import type { ModelName } from './documents.js';
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

  constructor(
    readonly projections: readonly AnyProjection[],
    private readonly rowsOf: ReadonlyMap<ModelName, WorkingRows>,
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

  /** Over nothing: everything the commits make stays at hand. */
  static inMemory(projections: readonly AnyProjection[]): ProjectionFold {
    return new ProjectionFold(
      projections,
      new Map(projections.map(({ model }) => [model, new WorkingRows(true)])),
    );
  }

  /** Over rows that lie elsewhere: see `missing`. */
  static overStore(projections: readonly AnyProjection[]): ProjectionFold {
    return new ProjectionFold(
      projections,
      new Map(projections.map(({ model }) => [model, new WorkingRows(false)])),
    );
  }

  rows(model: ModelName): WorkingRows {
    const rows = this.rowsOf.get(model);
    if (rows === undefined) throw new Error(`no projection makes ${model}`);
    return rows;
  }

  copy(): ProjectionFold {
    return new ProjectionFold(
      this.projections,
      new Map([...this.rowsOf].map(([model, rows]) => [model, rows.copy()])),
    );
  }

  /** Stored keys of the rows that a batch reads, by model. */
  needed(batch: readonly RecordedCommit[]): NeededByModel {
    const needed = new Map<ModelName, Set<string>>();
    for (const event of batch.flatMap(({ commit }) => commit.events)) {
      for (const lane of this.lanesOf.get(event.type) ?? []) {
        const { model } = lane.projection;
        const keys = needed.get(model) ?? new Set();
        needed.set(model, keys);
        addKeys(lane, event, keys);
      }
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
          rows.moveTo(at.sequence);
          projection.evolve(rows as never, event, at);
        }
      });
    }
  }
}

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
