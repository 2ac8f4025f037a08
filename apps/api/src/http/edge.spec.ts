import { createServer } from 'node:http';
import { expect, it } from 'vitest';
import { hardenServer } from './edge.js';

it('waits for no client for ever, whether it sends, reads or does nothing', () => {
  const server = createServer();
  hardenServer(server);
  const { headersTimeout, requestTimeout, timeout, keepAliveTimeout } = server;
  for (const ms of [headersTimeout, requestTimeout, timeout, keepAliveTimeout]) {
    expect(ms).toBeGreaterThan(0);
    expect(ms).toBeLessThanOrEqual(30 * 60_000);
  }
});
