const SHARDS = 64;

/** UUIDs differ in their last characters; what has fewer than two lies in the first shard. */
const shardOf = (id: string): number => {
  const mixed = id.charCodeAt(id.length - 1) * 31 + id.charCodeAt(id.length - 2);
  return Number.isNaN(mixed) ? 0 : mixed % SHARDS;
};

/** A map that is a value: a change gives another one, and copies a sixty-fourth of it. */
export class ShardedMap<V> {
  private constructor(private readonly shards: readonly ReadonlyMap<string, V>[]) {}

  static of<V>(entries: Iterable<readonly [string, V]> = []): ShardedMap<V> {
    const shards = Array.from({ length: SHARDS }, () => new Map<string, V>());
    for (const [id, value] of entries) shards[shardOf(id)]?.set(id, value);
    return new ShardedMap(shards);
  }

  get(id: string): V | undefined {
    return this.shards[shardOf(id)]?.get(id);
  }

  with(id: string, value: V): ShardedMap<V> {
    return this.changed(id, (shard) => shard.set(id, value));
  }

  /** As one after the other; each shard is copied once. */
  withAll(entries: Iterable<readonly [string, V]>): ShardedMap<V> {
    const shards = [...this.shards];
    const copies = new Map<number, Map<string, V>>();
    for (const [id, value] of entries) {
      const at = shardOf(id);
      const copy = copies.get(at) ?? new Map(this.shards[at]);
      copies.set(at, copy);
      shards[at] = copy.set(id, value);
    }
    return new ShardedMap(shards);
  }

  without(id: string): ShardedMap<V> {
    return this.get(id) === undefined ? this : this.changed(id, (shard) => shard.delete(id));
  }

  entries(): [string, V][] {
    return this.shards.flatMap((shard) => [...shard]);
  }

  private changed(id: string, change: (shard: Map<string, V>) => void): ShardedMap<V> {
    const shard = new Map(this.shards[shardOf(id)]);
    change(shard);
    return new ShardedMap(this.shards.with(shardOf(id), shard));
  }
}
