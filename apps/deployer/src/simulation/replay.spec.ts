import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { live } from '../testing/seeded/live.js';

const SEEDS = [3, 7, 20, 44, 101];
const digest = (lines: readonly string[]): string =>
  createHash('sha256').update(lines.join('\n')).digest('hex');

describe('a life that is lived again', { timeout: 60_000 }, () => {
  afterEach(() => vi.restoreAllMocks());

  it('is the same, byte for byte, at another time and with other luck', async () => {
    const first = [];
    for (const seed of SEEDS) first.push((await live(seed)).trace);
    // The machine's clock and chance have to make no difference.
    const later = Date.now() + 40 * 86_400_000;
    vi.spyOn(Date, 'now').mockImplementation(() => later);
    vi.spyOn(performance, 'now').mockImplementation(() => 0);
    vi.spyOn(Math, 'random').mockImplementation(() => 0.25);
    for (const [i, seed] of SEEDS.entries()) {
      const { trace } = await live(seed);
      expect(trace.length).toBeGreaterThan(20);
      expect(digest(trace)).toBe(digest(first[i] ?? []));
    }
  });

  it('is another one for another seed', async () => {
    const digests = new Set<string>();
    for (const seed of SEEDS) digests.add(digest((await live(seed)).trace));
    expect(digests.size).toBe(SEEDS.length);
  });
});
