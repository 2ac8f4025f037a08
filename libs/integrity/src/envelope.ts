import { storedCommit } from '@shiplog/events';
import canonicalize from 'canonicalize';
import { HASH_CHARACTERS } from './checkpoint.js';
import { EnvelopeScan } from './envelope-scan.js';

/** What the chain of an aggregate is checked by. */
export interface Envelope {
  readonly id: string;
  readonly stream: string;
  readonly from: number;
  readonly to: number;
  readonly previousHash: string | null;
}

const scan = new EnvelopeScan();

/** As `EnvelopeScan`: for bytes whose hash was sworn to; undefined where they end otherwise. */
export const scanEnvelope = (bytes: Uint8Array): Envelope | undefined => {
  if (!scan.read(bytes)) return undefined;
  const { idFrom, idTo, streamFrom, streamTo, previousHashFrom, from, to } = scan;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const hashTo = previousHashFrom + HASH_CHARACTERS;
  const previousHash =
    previousHashFrom < 0 ? null : text.toString('latin1', previousHashFrom, hashTo);
  // An escaped character is another one than it is written: no hash, and for who parses to read.
  if (previousHash?.includes('\\') === true) return undefined;
  return {
    id: text.toString('utf8', idFrom, idTo),
    stream: text.toString('latin1', streamFrom, streamTo),
    from,
    to,
    previousHash,
  };
};

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Undefined for what is not the canonical JSON of a commit. */
export const parseEnvelope = (bytes: Uint8Array): Envelope | undefined => {
  try {
    const text = utf8.decode(bytes);
    const value: unknown = JSON.parse(text);
    const commit = storedCommit.parse(value);
    if (canonicalize(value) !== text) return undefined;
    if (commit.to - commit.from !== commit.events.length) return undefined;
    const { id, stream, from, to, previousHash } = commit;
    return { id, stream, from, to, previousHash };
  } catch {
    return undefined;
  }
};
