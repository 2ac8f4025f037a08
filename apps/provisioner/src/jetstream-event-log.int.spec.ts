import { setTimeout as delay } from 'node:timers/promises';
import { JetStreamEventLog } from '@shiplog/events/jetstream';
import { describeEventLog } from '@shiplog/events/testing';
import { connectNats, inboxPrefixOf } from '@shiplog/runtime';
import { afterAll, beforeAll } from 'vitest';
import { startTestNats, type TestNats } from './testing/index.js';

const WINDOW_MS = 100;

let nats: TestNats;
beforeAll(async () => {
  nats = await startTestNats({ duplicateWindowMs: WINDOW_MS });
});
afterAll(() => nats.close());

// On a real nats-server with the rendered configuration, under the api's own credentials.
describeEventLog('JetStream', async () => {
  await nats.emptyLog();
  const connection = await connectNats(nats.config, 'api');
  const log = new JetStreamEventLog(connection, {
    inboxPrefix: inboxPrefixOf('api'),
    process: 'api',
    durability: () => Promise.resolve('disk'),
  });
  return {
    log,
    // The one wait that no condition can replace: the server says nothing when it forgets.
    forgetIds: () => delay(3 * WINDOW_MS),
    interrupt: () => nats.restart(),
    close: async () => {
      await log.close();
      await connection.close();
    },
  };
});
