import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LOG_STREAM } from '@shiplog/events/jetstream';

/** The first block of the log, where a nats-server keeps it. */
export const blockFileOf = (storeDirectory: string): string =>
  join(storeDirectory, 'jetstream/SHIPLOG/streams', LOG_STREAM, 'msgs/1.blk');

interface Entry {
  readonly sequence: bigint;
  readonly start: number;
  readonly end: number;
}

/** Length in the first word, its highest bit tells that there are headers; then the sequence. */
const entriesOf = (block: Buffer): readonly Entry[] => {
  const entries: Entry[] = [];
  for (let start = 0; start + 12 <= block.length;) {
    const end = start + (block.readUInt32LE(start) & 0x7fff_ffff);
    entries.push({ sequence: block.readBigUInt64LE(start + 4), start, end });
    start = end;
  }
  return entries;
};

export type Damage =
  /** One bit in the middle of a commit. */
  | 'bit-flipped'
  /** The file ends in the middle of a commit. */
  | 'block-truncated'
  /** A commit and the next one in each other's place, each whole. */
  | 'messages-swapped'
  /** The file ends before a commit, as if it and all later ones had never been. */
  | 'tail-cut';

/** Damages the commit of a sequence in the file, behind the back of the server. */
export const damageBlock = async (
  file: string,
  damage: Damage,
  sequence: number,
): Promise<void> => {
  const block = await readFile(file);
  const entries = entriesOf(block);
  const at = entries.findIndex((entry) => entry.sequence === BigInt(sequence));
  const [one, next] = [entries[at], entries[at + 1]];
  if (one === undefined || next === undefined) throw new Error(`no ${sequence} in ${file}`);
  const middle = (one.start + one.end) >> 1;
  switch (damage) {
    case 'bit-flipped':
      block[middle] = (block[middle] ?? 0) ^ 1;
      return writeFile(file, block);
    case 'block-truncated':
      return writeFile(file, block.subarray(0, middle));
    case 'messages-swapped':
      return writeFile(
        file,
        Buffer.concat([
          block.subarray(0, one.start),
          block.subarray(next.start, next.end),
          block.subarray(one.start, one.end),
          block.subarray(next.end),
        ]),
      );
    case 'tail-cut':
      return writeFile(file, block.subarray(0, one.start));
  }
};
