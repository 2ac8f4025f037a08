import type { Position } from '@shiplog/events';
import type { DocumentByModel, ModelName } from '../documents.js';
import type { FilterColumn } from '../projection.js';

/** Equal to all of these; `not` excludes one status. */
export interface RowFilter {
  readonly equal: Readonly<Partial<Record<FilterColumn, string>>>;
  readonly notStatus?: string;
  readonly limit: number;
}

/** One document as the canonical dump has it. */
export interface DumpRow {
  readonly model: ModelName;
  readonly key: string;
  readonly document: object;
}

/** Where documents lie. Both stores answer alike: what differs is where, never what. */
export interface RowStore {
  position(): Promise<Position>;
  get<M extends ModelName>(model: M, key: string): Promise<DocumentByModel[M] | undefined>;
  /** Newest first; what came in one event by descending key. */
  list<M extends ModelName>(model: M, filter: RowFilter): Promise<DocumentByModel[M][]>;
  /** All documents at one position, ascending by model and key. */
  scan(): AsyncIterable<DumpRow>;
}
