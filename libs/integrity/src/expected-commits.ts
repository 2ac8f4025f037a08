import type { CheckableCommit, StoredCommit } from '@shiplog/events/log';
import { HASH_CHARACTERS } from './checkpoint.js';
import { EnvelopeScan } from './envelope-scan.js';
import type { LeafComparison } from './leaf-comparison.js';
import type { StreamChains } from './stream-chains.js';

/** What is checked of a commit; what is not known beside its bytes is not. */
export type ExaminedCommit = Pick<StoredCommit, 'position' | 'hash' | 'bytes'> &
  Partial<Pick<CheckableCommit, 'stream' | 'id' | 'hasBeside'>>;

/**
 * The short way of nearly every commit of a sound log: all that is checked of a commit holds, and it is told from
 * the bytes alone, without a text or an object. Whatever is otherwise is not judged here, and changes nothing.
 */
export class ExpectedCommits {
  private readonly scan = new EnvelopeScan();
  private readonly hash = Buffer.alloc(HASH_CHARACTERS);
  private readonly hashView = new DataView(this.hash.buffer, this.hash.byteOffset, HASH_CHARACTERS);

  constructor(
    private readonly leaves: readonly LeafComparison[],
    private readonly chains: StreamChains,
  ) {}

  /** Takes the commit if it is what all witnesses swear to and lies at that place as it should. */
  take(commit: ExaminedCommit, hash: string, place: number): boolean {
    const { scan, leaves, chains } = this;
    const { bytes } = commit;
    if (leaves.length === 0 || commit.hasBeside === undefined) return false;
    for (const one of leaves) if (!one.isNext(hash)) return false;
    if (!scan.read(bytes)) return false;
    this.hash.write(hash, 'latin1');
    if (!commit.hasBeside(place, this.hashView, scan)) return false;
    if (!chains.goesOn(bytes, scan, this.hash)) return false;
    for (const one of leaves) one.goOn();
    return true;
  }
}
