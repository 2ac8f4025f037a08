import { describe, expect, it, vi } from 'vitest';
import { waitFor } from '../testing/wait-for.js';
import { TaskRunner } from './task-runner.js';

const runner = (error = vi.fn()) => new TaskRunner({ error, end: () => undefined });

describe('work beside the rounds', () => {
  it('runs one task per key at a time', async () => {
    const tasks = runner();
    let release = (): void => undefined;
    const held = () => new Promise<void>((resolve) => (release = resolve));
    expect(tasks.run('engine', 'k', held)).toBe(true);
    expect(tasks.run('engine', 'k', () => Promise.resolve())).toBe(false);
    release();
    await waitFor('the key to be free', () => !tasks.busy.has('k'));
    expect(tasks.run('engine', 'k', () => Promise.resolve())).toBe(true);
  });
  it('runs four engine steps at once and the rest in turn', async () => {
    const tasks = runner();
    const ends: (() => void)[] = [];
    for (let i = 0; i < 6; i += 1) {
      tasks.run('engine', `k${i}`, () => new Promise((resolve) => ends.push(resolve)));
    }
    expect(ends).toHaveLength(4);
    ends[0]?.();
    await waitFor('the fifth', () => ends.length === 5);
  });
  it('gives a place that is not needed any more to the next one, and keeps the key', async () => {
    const tasks = runner();
    const begun: string[] = [];
    const leaves: (() => void)[] = [];
    let end = (): void => undefined;
    const held = (key: string) => (leave: () => void) => {
      begun.push(key);
      leaves.push(leave);
      return new Promise<void>((resolve) => (end = resolve));
    };
    for (let i = 0; i < 4; i += 1) tasks.run('engine', `k${i}`, held(`k${i}`));
    tasks.run('engine', 'k4', held('k4'));
    tasks.run('engine', 'k5', held('k5'));
    leaves[3]?.();
    leaves[3]?.();
    expect(begun.at(-1)).toBe('k4');
    expect(tasks.busy.has('k3')).toBe(true);
    end();
    await waitFor('the sixth', () => begun.length === 6);
  });
  it('goes on with the work of others where the engine hangs, and not with more of the same', async () => {
    const timers: (() => void)[] = [];
    const later = (_: number, work: () => void) => {
      timers.push(work);
      return () => undefined;
    };
    const tasks = new TaskRunner({ error: vi.fn(), end: () => undefined, later });
    const begun: string[] = [];
    const ends: (() => void)[] = [];
    const hang = (key: string, group: string): void =>
      void tasks.run(
        'engine',
        key,
        () => {
          begun.push(key);
          return new Promise((resolve) => ends.push(resolve));
        },
        group,
      );
    for (let i = 0; i < 8; i += 1) hang(`a${i}`, 'a');
    for (let i = 0; i < 6; i += 1) hang(`b${i}`, 'b');
    expect(begun).toEqual(['a0', 'a1', 'a2', 'a3']);
    for (const late of timers.splice(0)) late();
    // Some had begun before it was known; no more of `a`, and of `b` as many as fit.
    const ofA = begun.filter((key) => key.startsWith('a')).length;
    expect(ofA).toBeLessThanOrEqual(6);
    expect(begun.filter((key) => key.startsWith('b')).length).toBeGreaterThanOrEqual(2);
    for (let i = 0; i < 14; i += 1) {
      ends.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(begun).toHaveLength(14);
    expect(tasks.busy.size).toBe(0);
  });
  it('tells what failed and goes on', async () => {
    const error = vi.fn();
    const tasks = runner(error);
    tasks.run('engine', 'k', () => Promise.reject(new Error('no')));
    await waitFor('the end', () => !tasks.busy.has('k'));
    expect(error).toHaveBeenCalledWith('k', expect.any(Error));
  });
  it('waits at its end for what has begun, and takes nothing more', async () => {
    const tasks = runner();
    let isDone = false;
    tasks.run('engine', 'k', async () => {
      await new Promise((resolve) => setImmediate(resolve));
      isDone = true;
    });
    await tasks.close(5000);
    expect(isDone).toBe(true);
    expect(tasks.run('engine', 'other', () => Promise.resolve())).toBe(false);
  });
});
