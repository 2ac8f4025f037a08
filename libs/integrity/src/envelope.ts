import { storedCommit } from '@shiplog/events';
import canonicalize from 'canonicalize';

/** What the chain of an aggregate is checked by. */
export interface Envelope {
  readonly id: string;
  readonly stream: string;
  readonly from: number;
  readonly to: number;
  readonly previousHash: string | null;
}

/** How the canonical bytes of a commit end: keys are in alphabetical order there, events come before. */
const TAIL =
  /\],"from":(\d+),"id":"([^"\\]+)","origin":(?:null|\{[^{}]*\}),"previousHash":(?:null|"([0-9a-f]{64})"),"reason":(?:null|"(?:[^"\\]|\\.)*"),"stream":"([a-z]+\.[A-Za-z0-9_-]{1,64})","time":"[^"\\]+","to":(\d+),"v":1\}$/y;
const TAIL_BYTES_MAX = 1_024;

/**
 * Reads the end of the bytes only, a tenth of the work of parsing them; undefined where the end looks
 * otherwise. In valid JSON nothing but the members of the outermost object can end like that, and where a
 * key stood twice the last one would count: who could fool this has to store what is no JSON. So it is
 * for bytes whose hash was sworn to.
 */
export const scanEnvelope = (bytes: Uint8Array): Envelope | undefined => {
  const start = Math.max(0, bytes.length - TAIL_BYTES_MAX);
  const end = Buffer.from(bytes.buffer, bytes.byteOffset + start, bytes.length - start);
  const text = end.toString('latin1');
  const at = text.lastIndexOf('],"from":');
  if (at < 0) return undefined;
  TAIL.lastIndex = at;
  const match = TAIL.exec(text);
  if (match === null) return undefined;
  const [, from, id, previousHash, stream, to] = match as unknown as string[];
  return {
    id: id ?? '',
    stream: stream ?? '',
    from: Number(from),
    to: Number(to),
    previousHash: previousHash ?? null,
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
