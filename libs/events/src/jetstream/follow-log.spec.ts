import type { NatsConnection } from '@nats-io/nats-core';
import { describe, expect, it, vi } from 'vitest';
import { toPosition } from '../sequence.js';
import { ConnectionWatch } from './connection-watch.js';
import { followLog, type FollowSource } from './follow-log.js';
import type { StoredMessage } from './stored-message.js';

const message = (sequence: number, hash: string): StoredMessage => ({
  sequence,
  hash,
  subject: 'log.app.a1',
  messageId: `m${sequence}`,
  bytes: new Uint8Array(),
});

/** A server whose log can be exchanged, and a connection that can be lost and come back. */
const server = () => {
  let log = [message(1, 'h1'), message(2, 'h2')];
  let tell: (type: string) => void = () => undefined;
  const status = {
    [Symbol.asyncIterator]: () => ({
      next: () =>
        new Promise((resolve) => {
          tell = (type) => resolve({ done: false, value: { type } });
        }),
    }),
  };
  const fetch = vi.fn((after: string, limit: number) =>
    Promise.resolve(log.filter(({ sequence }) => toPosition(sequence) > after).slice(0, limit)),
  );
  const source: FollowSource = {
    fetch,
    decode: () => [],
    onHint: () => () => undefined,
    watch: new ConnectionWatch({ status: () => status } as unknown as NatsConnection),
    isClosed: () => false,
  };
  return {
    source,
    fetch,
    comeBackWith: (other: StoredMessage[]) => {
      log = other;
      tell('reconnect');
    },
  };
};

describe('following a log that another server takes the place of', () => {
  it.each([
    ['has another commit at the place it went on from', [message(1, 'x1'), message(2, 'x2')]],
    ['has none there', [message(1, 'h1')]],
  ])('ends when it %s, though nothing was read since', async (_, other) => {
    const { source, fetch, comeBackWith } = server();
    const subscription = followLog(source, toPosition(2), () => undefined);
    await vi.waitFor(() => expect(fetch).toHaveBeenCalledTimes(2));
    comeBackWith(other);
    expect(await subscription.ended).toMatchObject({ code: 'log-damaged' });
  });

  it('goes on when it has the same commits', async () => {
    const { source, fetch, comeBackWith } = server();
    const read: unknown[] = [];
    const subscription = followLog(source, toPosition(2), () => void read.push('batch'));
    await vi.waitFor(() => expect(fetch).toHaveBeenCalledTimes(2));
    comeBackWith([message(1, 'h1'), message(2, 'h2'), message(3, 'h3')]);
    await vi.waitFor(() => expect(read).toHaveLength(1));
    await subscription.stop();
    expect(await subscription.ended).toBeUndefined();
  });
});
