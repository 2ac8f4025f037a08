import { describe, expect, it } from 'vitest';
import { RoundCalls } from './in-round.js';

describe('a call that a round waits for', () => {
  const waits: number[] = [];
  /** Time passes as soon as somebody waits. */
  const calls = new RoundCalls((ms) => {
    waits.push(ms);
    return new Promise((resolve) => setImmediate(resolve));
  });

  it('is answered', async () => {
    expect(await calls.wait('asking', Promise.resolve('yes'))).toBe('yes');
    await expect(calls.wait('asking', Promise.reject(new Error('no')))).rejects.toThrow('no');
  });

  it('is not waited for longer than a round can, and while it hangs not again', async () => {
    waits.length = 0;
    let answer = (): void => undefined;
    const hanging = new Promise<void>((resolve) => (answer = resolve));
    const silent = { code: 'no-answer', isUnknown: true };
    await expect(calls.wait('making', hanging)).rejects.toMatchObject(silent);
    await expect(calls.wait('making', hanging)).rejects.toMatchObject(silent);
    expect(waits).toEqual([5000, 0]);
    answer();
    await hanging;
    await calls.wait('making', Promise.resolve());
    expect(waits.at(-1)).toBe(5000);
  });
});
