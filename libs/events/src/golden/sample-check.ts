import type { Check } from '../checks.js';

export const aliveCheck: Check = {
  kind: 'command',
  path: null,
  status: '200-399',
  command: ['test', '-f', '/tmp/alive'],
  intervalMs: 10_000,
  timeoutMs: 5_000,
  failures: 3,
  successes: 1,
  delayMs: 30_000,
};
