/**
 * Waits until the condition holds, and says what was waited for when it does not. No test sleeps. It rests as long as the
 * condition took: other tests need the machine.
 */
export const waitFor = async (
  what: string,
  condition: () => Promise<boolean> | boolean,
  options: { timeoutMs?: number; everyMs?: number; describe?: () => string } = {},
): Promise<void> => {
  const { timeoutMs = 60_000, everyMs = 50 } = options;
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const askedAt = performance.now();
    if (await condition()) return;
    const now = performance.now();
    if (now > deadline) {
      throw new Error(`waited ${timeoutMs} ms for ${what}\n${options.describe?.() ?? ''}`);
    }
    await new Promise((resolve) => setTimeout(resolve, Math.max(everyMs, now - askedAt)));
  }
};
