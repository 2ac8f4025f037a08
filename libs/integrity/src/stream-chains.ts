import type { EnvelopeScan } from './envelope-scan.js';
import type { Envelope } from './envelope.js';
import type { Finding } from './kinds.js';
import { StreamEnds } from './stream-ends.js';

interface Place {
  readonly position: string;
  readonly hash: string;
  /** A witness testifies to it. */
  readonly isSworn: boolean;
}

/** The versions and previous hashes of every aggregate: what a log proves about itself. */
export class StreamChains {
  private readonly ends = new StreamEnds();
  /** Commits that were skipped, by what would follow their stream's end: they may still come. */
  private readonly skipped = new Map<string, { finding: Finding }>();
  private first: Finding | undefined;

  /** Whether the commit with that envelope follows what was there; if so, it is the end now. A witness swears to it. */
  goesOn(bytes: Uint8Array, envelope: EnvelopeScan, hash: Uint8Array): boolean {
    const { streamFrom, streamTo, from, to, previousHashFrom } = envelope;
    const number = this.ends.numberOf(bytes, streamFrom, streamTo);
    if (!this.ends.isEnd(number, from, bytes, previousHashFrom)) return false;
    this.ends.set(number, to, hash, '');
    return true;
  }

  add({ stream, from, to, previousHash }: Envelope, place: Place): void {
    const number = this.ends.numberOf(Buffer.from(stream));
    const previous = Buffer.from(previousHash ?? '');
    const previousFrom = previousHash === null ? -1 : 0;
    if (this.ends.isEnd(number, from, previous, previousFrom) || this.ends.isLost(number)) {
      this.goOn(number, to, place);
      return;
    }
    const end = this.ends.get(number);
    const late = this.skipped.get(`${stream} ${from} ${previousHash}`);
    if (late !== undefined) {
      const detail = 'a later commit of its aggregate comes before an earlier one';
      late.finding = { ...late.finding, kind: 'reordered', detail };
      this.skipped.delete(`${stream} ${from} ${previousHash}`);
      this.keep(late.finding);
      return;
    }
    if (from < end.to) {
      const detail = `${stream} was at version ${end.to} already; this commit is from ${from} on`;
      this.keep({ position: place.position, kind: 'inserted', detail });
      return;
    }
    if (from > end.to) {
      const detail = `${stream} goes from version ${end.to} to ${from}: what was between is not there`;
      const finding: Finding = { position: place.position, kind: 'missing', detail };
      this.skipped.set(`${stream} ${end.to} ${end.hash}`, { finding });
      this.keep(finding);
    } else {
      // One of two was changed and given a hash that fits. The earlier one, unless a witness swears to it.
      const position = end.unsworn === '' ? place.position : end.unsworn;
      const detail = `${stream}: the hash that the next commit names is another one`;
      this.keep({ position, kind: 'altered', detail });
    }
    this.goOn(number, to, place);
  }

  /** The commit at the end of the stream cannot be read. */
  lose(stream: string): void {
    this.ends.lose(this.ends.numberOf(Buffer.from(stream)));
  }

  get finding(): Finding | undefined {
    return this.first;
  }

  private goOn(number: number, to: number, { position, hash, isSworn }: Place): void {
    this.ends.set(number, to, Buffer.from(hash), isSworn ? '' : position);
  }

  private keep(finding: Finding): void {
    const isSame = this.first?.position === finding.position;
    if (this.first === undefined || finding.position < this.first.position || isSame)
      this.first = finding;
  }
}
