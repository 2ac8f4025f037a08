import { setTimeout as delay } from 'node:timers/promises';

/** Waits until the condition holds; fails with its name. */
export const waitFor = async (what, condition, { timeoutMs = 60_000, everyMs = 5 } = {}) => {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms for ${what}`);
    await delay(everyMs);
  }
};
