import { createHash } from 'node:crypto';

const KIBIBYTE = 1024;
/** Smaller ones would be many requests and a long manifest; larger ones much to store for a small change. */
const CHUNK_BYTES_MIN = 512 * KIBIBYTE;
const CHUNK_BYTES_MAX = 8 * 1024 * KIBIBYTE;
/** A boundary in 2^21 places: chunks of 2.5 MiB on average. */
const BOUNDARY_BITS = 21;
/** The hash remembers so many bytes: one bit of it is lost with each. */
const WINDOW = 32;

/** A fixed random word for each byte: with others, content that is there already would be stored once more. */
const GEAR = Uint32Array.from({ length: 256 }, (_, byte) =>
  createHash('sha256').update(`gear ${byte}`).digest().readUInt32BE(0),
);

/**
 * Cuts a stream where its content says so, not at fixed distances: what is inserted or removed changes the
 * chunks around it, and all others stay what they were. Holds one chunk at a time.
 */
export async function* chunksOf(content: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let parts: Uint8Array[] = [];
  let size = 0;
  let hash = 0;
  for await (const piece of content) {
    let begin = 0;
    for (let at = 0; at < piece.length; at += 1) {
      size += 1;
      if (size < CHUNK_BYTES_MIN - WINDOW) continue;
      hash = ((hash << 1) + (GEAR[piece[at] ?? 0] ?? 0)) | 0;
      const isBoundary = size >= CHUNK_BYTES_MIN && hash >>> (32 - BOUNDARY_BITS) === 0;
      if (!isBoundary && size < CHUNK_BYTES_MAX) continue;
      parts.push(piece.subarray(begin, at + 1));
      yield Buffer.concat(parts, size);
      [parts, size, hash, begin] = [[], 0, 0, at + 1];
    }
    if (begin < piece.length) parts.push(piece.subarray(begin));
  }
  if (size > 0) yield Buffer.concat(parts, size);
}
