/**
 * Numbers names 0, 1, 2, …, by their bytes where they lie: to look a name up, no text of it has to be made. All names
 * in one table, not in objects, which would cost more to copy than all that is checked.
 */
export class ByteNames {
  private bytes = new Uint8Array(1 << 16);
  /** Where the name of a number ends; it begins where the one before it ends. */
  private readonly ends: number[] = [];
  /** Number and 1, at the place that the bytes tell or at the next free one; at most half of them are taken. */
  private slots = new Int32Array(1 << 11);

  numberOf(bytes: Uint8Array, from: number, to: number): number {
    const mask = this.slots.length - 1;
    let slot = hashOf(bytes, from, to) & mask;
    for (let taken = this.slots[slot] ?? 0; taken > 0; taken = this.slots[slot] ?? 0) {
      if (this.isNamed(taken - 1, bytes, from, to)) return taken - 1;
      slot = (slot + 1) & mask;
    }
    return this.add(bytes, from, to, slot);
  }

  private isNamed(number: number, bytes: Uint8Array, from: number, to: number): boolean {
    const start = this.startOf(number);
    if ((this.ends[number] ?? 0) - start !== to - from) return false;
    const known = this.bytes;
    const distance = start - from;
    for (let i = from; i < to; i += 1) if (known[distance + i] !== bytes[i]) return false;
    return true;
  }

  private startOf(number: number): number {
    return number === 0 ? 0 : (this.ends[number - 1] ?? 0);
  }

  private add(bytes: Uint8Array, from: number, to: number, slot: number): number {
    const number = this.ends.length;
    const start = this.startOf(number);
    const end = start + to - from;
    if (end > this.bytes.length) {
      const larger = new Uint8Array(2 * end);
      larger.set(this.bytes);
      this.bytes = larger;
    }
    this.bytes.set(bytes.subarray(from, to), start);
    this.ends.push(end);
    this.slots[slot] = number + 1;
    if (2 * this.ends.length > this.slots.length) this.spread();
    return number;
  }

  private spread(): void {
    this.slots = new Int32Array(2 * this.slots.length);
    const mask = this.slots.length - 1;
    for (const [number, end] of this.ends.entries()) {
      let slot = hashOf(this.bytes, this.startOf(number), end) & mask;
      while ((this.slots[slot] ?? 0) > 0) slot = (slot + 1) & mask;
      this.slots[slot] = number + 1;
    }
  }
}

/** FNV-1a: names differ in few bytes. */
const hashOf = (bytes: Uint8Array, from: number, to: number): number => {
  let hash = 0x811c9dc5;
  for (let i = from; i < to; i += 1) hash = Math.imul(hash ^ (bytes[i] ?? 0), 0x01000193);
  return hash ^ (hash >>> 15);
};
