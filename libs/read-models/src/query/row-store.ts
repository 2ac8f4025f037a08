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

/** Some documents of a scan, and the position that all of it is of. */
export interface ScanPage {
  readonly position: Position;
  readonly rows: readonly DumpRow[];
}

/** Where documents lie. Both stores answer alike: what differs is where, never what. */
export interface RowStore {
  position(): Promise<Position>;
  get<M extends ModelName>(model: M, key: string): Promise<DocumentByModel[M] | undefined>;
  /** Newest first; what came in one event by descending key. */
  list<M extends ModelName>(model: M, filter: RowFilter): Promise<DocumentByModel[M][]>;
  /** All documents of these models at one position, ascending by model and key; one page at least. */
  scan(models: readonly ModelName[]): AsyncIterable<ScanPage>;
}
