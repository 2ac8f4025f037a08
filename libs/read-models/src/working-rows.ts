import type { Sequence } from '@shiplog/events';
import type { Rows } from './projection.js';

/** A row as folded: `order` is its place in lists, null for a memory. */
export interface Entry {
  readonly order: string | null;
  readonly value: object;
}

/** Memories live beside documents; no document key has a tilde. */
const MEMORY = '~';
export const memoryKey = (key: string): string => MEMORY + key;
export const isMemoryKey = (storedKey: string): boolean => storedKey.startsWith(MEMORY);

export interface ChangedEntry extends Entry {
  readonly key: string;
  /** New, or put in another place than its stored row has. */
  readonly isPlaced: boolean;
}

/**
 * Rows of one model at hand in memory: all of them (`complete`), or the ones that were used last. A
 * row that is not at hand must be loaded before the fold asks for it.
 */
export class WorkingRows implements Rows<object, object> {
  /** Null: known not to exist. Insertion order is order of use. */
  private readonly entries = new Map<string, Entry | null>();
  /** Changed since the last write; true where the place may have changed too. */
  private readonly dirty = new Map<string, boolean>();
  private order = '';

  constructor(private readonly complete: boolean) {}

  /** Where the event lies that is folded next. */
  moveTo(sequence: Sequence): void {
    this.order = sequence;
  }

  /** Those of the keys that have to be loaded; the others count as just used. */
  missing(keys: Iterable<string>): string[] {
    if (this.complete) return [];
    const missing: string[] = [];
    for (const key of keys) {
      const entry = this.entries.get(key);
      if (entry === undefined) missing.push(key);
      else {
        this.entries.delete(key);
        this.entries.set(key, entry);
      }
    }
    return missing;
  }

  load(key: string, entry: Entry | null): void {
    this.entries.set(key, entry);
  }

  /** For a row that is about to be made. */
  assumeAbsent(key: string): void {
    if (!this.complete && !this.entries.has(key)) this.entries.set(key, null);
  }

  document(key: string): object | undefined {
    return this.entry(key)?.value;
  }

  put(key: string, document: object): void {
    const order = this.entry(key)?.order;
    this.set(key, { order: order ?? this.order, value: document }, order === undefined);
  }

  replace(key: string, document: object): void {
    this.set(key, { order: this.order, value: document }, true);
  }

  remove(key: string): void {
    if (this.complete) this.entries.delete(key);
    else this.set(key, null, true);
  }

  memory(key: string): object | undefined {
    return this.entry(memoryKey(key))?.value;
  }

  remember(key: string, memory: object): void {
    this.set(memoryKey(key), { order: null, value: memory }, false);
  }

  /** Value of a row under its stored key, loaded or not. */
  peek(storedKey: string): object | undefined {
    return this.entries.get(storedKey)?.value;
  }

  /** Every existing document, in no order. Only where rows are complete. */
  *documents(): Iterable<readonly [string, Entry & { order: string }]> {
    for (const [key, entry] of this.entries) {
      if (entry?.order != null) yield [key, { order: entry.order, value: entry.value }];
    }
  }

  /** What changed since it was last asked. */
  takeChanges(): { readonly changed: readonly ChangedEntry[]; readonly gone: readonly string[] } {
    const changed: ChangedEntry[] = [];
    const gone: string[] = [];
    for (const [key, isPlaced] of this.dirty) {
      const entry = this.entries.get(key);
      if (entry == null) gone.push(key);
      else changed.push({ key, isPlaced, ...entry });
    }
    this.dirty.clear();
    return { changed, gone };
  }

  /** Forgets the rows that were used longest ago. They must have been written. */
  shrinkTo(count: number): void {
    for (const key of this.entries.keys()) {
      if (this.entries.size <= count) return;
      this.entries.delete(key);
    }
  }

  /** The same rows, to be folded on apart from these. Documents are values and shared. */
  copy(): WorkingRows {
    const copy = new WorkingRows(this.complete);
    for (const [key, entry] of this.entries) copy.entries.set(key, entry);
    return copy;
  }

  private entry(key: string): Entry | null {
    const entry = this.entries.get(key);
    if (entry === undefined && !this.complete) {
      throw new Error(`row ${key} was not announced by needs()`);
    }
    return entry ?? null;
  }

  private set(key: string, entry: Entry | null, isPlaced: boolean): void {
    this.entries.set(key, entry);
    if (!this.complete) this.dirty.set(key, isPlaced || this.dirty.get(key) === true);
  }
}
