import { setTimeout as delay } from 'node:timers/promises';
import { jetstream } from '@nats-io/jetstream';
import { headers } from '@nats-io/nats-core';
import { START } from '@shiplog/events';
import { JetStreamEventLog } from '@shiplog/events/jetstream';
import { sha256 } from '@shiplog/events/log';
import { NO_COMMIT, commitAfter, describeEventLog, newStream } from '@shiplog/events/testing';
import { connectNats, inboxPrefixOf } from '@shiplog/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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
    isDense: true,
    // The one wait that no condition can replace: the server says nothing when it forgets.
    forgetIds: () => delay(3 * WINDOW_MS),
    interrupt: () => nats.restart(),
    close: async () => {
      await log.close();
      await connection.close();
    },
  };
});

describe('a log that a newer Shiplog wrote to', () => {
  it('ends reading and following at once, with where and what it was', async () => {
    await nats.emptyLog();
    const connection = await connectNats(nats.config, 'api');
    const log = new JetStreamEventLog(connection, {
      inboxPrefix: inboxPrefixOf('api'),
      process: 'api',
      durability: () => Promise.resolve('disk'),
    });
    try {
      const stream = newStream();
      await log.append(stream, NO_COMMIT.revision, commitAfter(stream, NO_COMMIT));
      const other = newStream();
      const newer = { type: 'AppPaused', v: 1, data: {} };
      const text = JSON.stringify(commitAfter(other, NO_COMMIT, { events: [newer] as never }));
      const sent = headers();
      sent.set('Shiplog-Commit-Hash', sha256(text));
      await jetstream(connection).publish(`log.${other}`, text, { headers: sent });

      const subscription = log.follow(START, () => undefined);
      const asRefused = expect.objectContaining({
        code: 'log-newer',
        message: expect.stringMatching(/commit at 2 .*AppPaused is not known/) as unknown,
      }) as unknown;
      expect(await subscription.ended).toEqual(asRefused);
      await expect(log.read(other)).rejects.toEqual(asRefused);
      expect(await log.read(stream)).toHaveLength(1);
    } finally {
      await log.close();
      await connection.close();
    }
  });
});
