import type { Aggregate, DomainEventUnion, Position, Revision, Sequence } from '@shiplog/events';
import type { DocumentByModel, ModelName } from './documents.js';

export type EventType = DomainEventUnion['type'];
export type EventNamed<T extends EventType> = Extract<DomainEventUnion, { type: T }>;

/** The commit around an event: who, when, why, and where in the log. */
export interface Envelope {
  readonly position: Position;
  readonly sequence: Sequence;
  /** Whose stream it is on, and the stream's end after the commit. */
  readonly aggregate: Aggregate;
  readonly revision: Revision;
  readonly time: string;
  /** Name of the actor. */
  readonly by: string;
  /** A process on its own account: somebody else wanted what it did. */
  readonly byProcess: boolean;
  readonly reason: string | null;
}

/**
 * The documents of one model while it is folded. Besides documents a projection may keep memories:
 * what it has to know later and nobody asks for. Keys of memories are a space of their own.
 */
export interface Rows<Document, Memory> {
  document(key: string): Document | undefined;
  /** Keeps its place in lists if it exists, else it is the newest. */
  put(key: string, document: Document): void;
  /** The newest, whatever was there before. Its key need not be announced. */
  replace(key: string, document: Document): void;
  /** Its key need not be announced. */
  remove(key: string): void;
  memory(key: string): Memory | undefined;
  remember(key: string, memory: Memory): void;
}

/** What queries filter on; beside the document in columns of their own. */
export interface FilterColumns {
  readonly appId?: string | null;
  readonly teamId?: string | null;
  readonly userId?: string | null;
  readonly status?: string | null;
  readonly name?: string | null;
}
export type FilterColumn = keyof FilterColumns;

/** Keys that have to be at hand when an event is folded. */
interface NeededKeys {
  readonly documents?: readonly string[];
  /** Documents that the event makes with `replace`: no need to look whether they exist. */
  readonly fresh?: readonly string[];
  readonly memories?: readonly string[];
}

/**
 * A read model as a fold of the log: no clock, no randomness, no input but the commits, so that it can
 * be thrown away and made again.
 */
export interface Projection<M extends ModelName, T extends EventType = EventType, Memory = never> {
  readonly model: M;
  /** Grows when documents get another shape: old ones are then not served any more. */
  readonly version: number;
  /** Events it takes notice of. */
  readonly events: readonly T[];
  /** Columns with an index. */
  readonly indexed: readonly FilterColumn[];
  needs(event: EventNamed<T>): NeededKeys;
  /** Documents that a memory leads to. */
  behind?(memory: Memory): readonly string[];
  evolve(rows: Rows<DocumentByModel[M], Memory>, event: EventNamed<T>, at: Envelope): void;
  columns(document: DocumentByModel[M]): FilterColumns;
}

/** Gives a projection its exact types and hands it on as one of many. */
export const defineProjection = <M extends ModelName, const T extends EventType, Memory = never>(
  projection: Projection<M, T, Memory>,
): AnyProjection => projection as unknown as AnyProjection;

/** A projection whose own types are not known here. */
export type AnyProjection = Projection<ModelName, EventType, object>;
