import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { chunksOf } from './chunks.js';

const MEBIBYTE = 1024 * 1024;

/** The same at every run, and without a pattern. */
const noise = (bytes: number): Buffer => {
  const blocks = Array.from({ length: Math.ceil(bytes / 64) }, (_, i) =>
    createHash('sha512').update(`${i}`).digest(),
  );
  return Buffer.concat(blocks).subarray(0, bytes);
};

const cut = async (content: Buffer, piece = 65_536): Promise<Buffer[]> => {
  // eslint-disable-next-line @typescript-eslint/require-await -- a stream, of what is there already
  const pieces = async function* () {
    for (let at = 0; at < content.length; at += piece) yield content.subarray(at, at + piece);
  };
  const chunks: Buffer[] = [];
  for await (const chunk of chunksOf(pieces())) chunks.push(chunk);
  return chunks;
};

const named = (chunks: readonly Buffer[]): string[] =>
  chunks.map((chunk) => createHash('sha256').update(chunk).digest('hex'));

describe('a stream in chunks', () => {
  const content = noise(24 * MEBIBYTE);

  it('is the stream again, none of them larger than what memory has to hold', async () => {
    const chunks = await cut(content);
    expect(Buffer.concat(chunks).equals(content)).toBe(true);
    expect(chunks.length).toBeGreaterThan(4);
    for (const chunk of chunks) expect(chunk.length).toBeLessThanOrEqual(8 * MEBIBYTE);
    for (const chunk of chunks.slice(0, -1))
      expect(chunk.length).toBeGreaterThanOrEqual(MEBIBYTE / 2);
  });

  it('is cut by what is in it, not by how it arrives', async () => {
    expect(named(await cut(content, 1_000_003))).toEqual(named(await cut(content)));
  });

  it('has the same chunks but for a few when something is put in', async () => {
    const before = new Set(named(await cut(content)));
    const at = 5 * MEBIBYTE;
    const more = Buffer.concat([content.subarray(0, at), noise(100), content.subarray(at)]);
    const fresh = named(await cut(more)).filter((name) => !before.has(name));
    expect(fresh.length).toBeGreaterThan(0);
    expect(fresh.length).toBeLessThanOrEqual(3);
  });

  it('is nothing where nothing is in it, and of zeros no larger than any', async () => {
    expect(await cut(Buffer.alloc(0))).toEqual([]);
    const zeros = await cut(Buffer.alloc(20 * MEBIBYTE));
    expect(zeros.map(({ length }) => length / MEBIBYTE)).toEqual([8, 8, 4]);
  });
});
