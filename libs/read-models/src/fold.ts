import { aggregateOf, toSequence, type RecordedCommit } from '@shiplog/events';
import type { ModelName } from './documents.js';
import type { AnyProjection, Envelope, EventNamed, EventType } from './projection.js';
import { memoryKey, WorkingRows } from './working-rows.js';

interface Lane {
  readonly projection: AnyProjection;
  readonly rows: WorkingRows;
}

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

  /** Stored keys to load before `apply`. Ask, load, and ask `missingBehind` for what those lead to. */
  missing(batch: readonly RecordedCommit[]): Map<ModelName, string[]> {
    return this.stillMissing(this.needed(batch));
  }

  missingBehind(batch: readonly RecordedCommit[]): Map<ModelName, string[]> {
    const behind = new Map<ModelName, Set<string>>();
    for (const [model, keys] of this.needed(batch)) {
      const { projection, rows } = this.lane(model);
      if (projection.behind === undefined) continue;
      const found = new Set<string>();
      for (const key of keys) {
        const memory = key.startsWith('~') ? rows.peek(key) : undefined;
        if (memory !== undefined) for (const next of projection.behind(memory)) found.add(next);
      }
      behind.set(model, found);
    }
    return this.stillMissing(behind);
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

  private needed(batch: readonly RecordedCommit[]): Map<ModelName, Set<string>> {
    const needed = new Map<ModelName, Set<string>>();
    for (const { commit } of batch) {
      for (const event of commit.events) {
        for (const { projection } of this.lanesOf.get(event.type) ?? []) {
          const keys = needed.get(projection.model) ?? new Set();
          needed.set(projection.model, keys);
          const needs = projection.needs(event as EventNamed<EventType>);
          for (const key of needs.documents ?? []) keys.add(key);
          for (const key of needs.memories ?? []) keys.add(memoryKey(key));
        }
      }
    }
    return needed;
  }

  private stillMissing(needed: Map<ModelName, Set<string>>): Map<ModelName, string[]> {
    const missing = new Map<ModelName, string[]>();
    for (const [model, keys] of needed) {
      const ofModel = this.rows(model).missing(keys);
      if (ofModel.length > 0) missing.set(model, ofModel);
    }
    return missing;
  }

  private lane(model: ModelName): Lane {
    const lane = this.lanes.find((candidate) => candidate.projection.model === model);
    if (lane === undefined) throw new Error(`no projection makes ${model}`);
    return lane;
  }
}

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
