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

  it('hangs for as long as any call of that name does', async () => {
    const answers: (() => void)[] = [];
    const hanging = (): Promise<void> => new Promise((resolve) => answers.push(resolve));
    for (let i = 0; i < 2; i += 1) {
      await expect(calls.wait('pulling', hanging())).rejects.toMatchObject({ code: 'no-answer' });
    }
    for (const expected of [0, 5000]) {
      answers.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
      await calls.wait('pulling', Promise.resolve());
      expect(waits.at(-1)).toBe(expected);
    }
  });
});
