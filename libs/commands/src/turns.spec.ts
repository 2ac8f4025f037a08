import { describe, expect, it } from 'vitest';
import { Turns } from './turns.js';

describe('turns', () => {
  it('come one after the other for one key, also after a failure, and at once for others', async () => {
    const turns = new Turns();
    const seen: string[] = [];
    let finish = (): void => undefined;
    const first = turns.take('a', async () => {
      seen.push('first begins');
      await new Promise<void>((resolve) => (finish = resolve));
      seen.push('first ends');
      throw new Error('no luck');
    });
    const second = turns.take('a', () => Promise.resolve(seen.push('second')));
    await turns.take('b', () => Promise.resolve(seen.push('other')));
    finish();
    await expect(first).rejects.toThrow('no luck');
    await second;
    expect(seen).toEqual(['first begins', 'other', 'first ends', 'second']);
    await turns.take('a', () => Promise.resolve(seen.push('third')));
    expect(seen.at(-1)).toBe('third');
  });
});
